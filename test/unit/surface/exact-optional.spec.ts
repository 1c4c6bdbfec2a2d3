import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { entryPoints } from '../../support/surface';

const root = join(__dirname, '../../..');

/** What the library makes: a member is there, or it is not. */
const MADE = [
  'ActiveToken', 'CookieResponseBody', 'FoundSession', 'Introspection', 'IssuedTokens', 'PublicJwk', 'RevocationScope', 'Rotation', 'TokenLifetimes',
  'TokenResponseBody',
]; // prettier-ignore
/** No type of the library's own. */
const FOREIGN = ['KeyMaterial'];
/** Members that must not get lost on their way: undefined, where they are named, is refused when it is passed, too. */
const STRICT = [
  'ImpersonationOrder.scopes', 'IssueOverrides.arrival', 'IssueOverrides.manager', 'IssueOverrides.scopes', 'ProgramTokenOrder.arrival', 'RevokeOptions.userId',
]; // prettier-ignore

const compilerOptions: ts.CompilerOptions = {
  ...ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(String(messageText));
    },
  })!.options,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  incremental: false,
};

/** Every optional member of the exported interfaces, with the entry point it comes from. */
function optionalMembers(): { entry: string; type: string; member: string }[] {
  const entries = entryPoints(root).map(([, path]) => join(root, path));
  const program = ts.createProgram(entries, compilerOptions);
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    return checker.getExportsOfModule(module).flatMap((one) => {
      const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      if (!(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias))) return [];
      const type = checker.getDeclaredTypeOfSymbol(symbol);
      const members = (type.isUnion() ? type.types : [type]).flatMap((part) => part.getProperties());
      const optional = members.filter(({ flags }) => flags & ts.SymbolFlags.Optional);
      return [...new Set(optional.map(({ name }) => name))].map((member) => ({ entry, type: one.name, member }));
    });
  });
}

/** The members that a file cannot set to undefined, as `Type.member`. */
function refusedMembers(members: ReturnType<typeof optionalMembers>): string[] {
  const path = join(root, 'exact-optional.ts');
  const lines = members.map(
    ({ entry, type, member }) =>
      `export const _${type}_${member}: Pick<import('${entry.replace(/\.ts$/, '')}').${type}, '${member}'> = { ${member}: undefined };`,
  );
  const host = ts.createCompilerHost(compilerOptions);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.readFile = (name) => (name === path ? lines.join('\n') : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === path
      ? ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.Latest, true)
      : getSourceFile(name, ...rest);
  const program = ts.createProgram([path], compilerOptions, host);
  const file = program.getSourceFile(path)!;
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((problem) => {
    const { type, member } = members[file.getLineAndCharacterOfPosition(problem.start!).line]!;
    return problem.code === 2375 || problem.code === 2322 || problem.code === 2412
      ? `${type}.${member}`
      : ts.flattenDiagnosticMessageText(problem.messageText, ' ');
  });
  return [...new Set(found)].toSorted();
}

describe('the types of what an application passes, under exactOptionalPropertyTypes', () => {
  it('take undefined for every member that may be left out, such as an unset environment variable', () => {
    const members = optionalMembers().filter(({ type }) => ![...MADE, ...FOREIGN].includes(type));
    expect(members.length).toBeGreaterThan(80);
    expect(members).toContainEqual(expect.objectContaining({ type: 'JwtKnoxOptions', member: 'secret' }));
    expect(refusedMembers(members)).toEqual(STRICT);
  }, 120_000);
});
