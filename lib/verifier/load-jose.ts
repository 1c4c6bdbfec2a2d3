import { constants, Script } from 'node:vm';
import { JwtKnoxConfigurationError } from '../contracts/errors';

type Jose = typeof import('jose', { with: { 'resolution-mode': 'import' } });

/**
 * jose, an optional peer that consists of ECMAScript modules only. Jest runs CommonJS in contexts that have no `import()`;
 * there a script of the process's own context imports it.
 * @throws JwtKnoxConfigurationError when it is not installed
 */
export async function loadJose(): Promise<Jose> {
  try {
    return await import('jose').catch((error: unknown) => {
      if (!codeOf(error).startsWith('ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING')) throw error;
      const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
      return new Script("import('jose')", { filename: __filename, importModuleDynamically }).runInThisContext();
    });
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new JwtKnoxConfigurationError(
      ['jwks: needs the package jose; install it with `npm install jose`.'],
      'JwtKnoxVerifierModule',
    );
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
