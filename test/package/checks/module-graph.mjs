import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join, relative, sep } from 'node:path';
import ts from 'typescript';

const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/**
 * Walks everything that the entry points of an installed package import, and tells what a host does not get with it:
 * modules that are no dependency or peer, and types that come from an `@types` package nobody declared.
 * @param resolve from (specifier, file) to the path of a file, or undefined
 */
function problemsOf(folder, entries, resolve) {
  const { dependencies = {}, peerDependencies = {} } = manifestOf(folder);
  const declared = { ...dependencies, ...peerDependencies };
  const problems = [];
  const queue = entries.map((entry) => join(folder, entry));
  const seen = new Set(queue);
  for (const file of queue) {
    const { importedFiles, typeReferenceDirectives } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
    const name = relative(folder, file);
    for (const { fileName: type } of typeReferenceDirectives) {
      if (type !== 'node') problems.push(`${name} refers to the types of '${type}'`);
    }
    for (const { fileName: specifier } of importedFiles) {
      if (isBuiltin(specifier)) continue;
      const target = resolve(specifier, file);
      const isOwn = specifier.startsWith('.');
      if (!isOwn && !Object.hasOwn(declared, packageOf(specifier))) {
        problems.push(`${name} imports '${specifier}', which is neither a dependency nor a peer`);
      } else if (target === undefined) {
        problems.push(`${name} imports '${specifier}', which is not there`);
      } else if (target.includes(`${sep}@types${sep}`)) {
        problems.push(`${name} needs @types of '${specifier}', which no host gets with the package`);
      } else if (isOwn && !seen.has(target)) {
        seen.add(target);
        queue.push(target);
      }
    }
  }
  return { problems, files: queue.length };
}

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const entriesOf = (folder, condition) =>
  Object.values(manifestOf(folder).exports).flatMap((target) => target[condition] ?? []);

/** The declarations reachable from the entry points, as TypeScript resolves them in a host. */
export function declarationProblems(folder, { module, moduleResolution }) {
  const options = { module: ts.ModuleKind[module], moduleResolution: ts.ModuleResolutionKind[moduleResolution] };
  const mode = ts.ModuleKind.CommonJS;
  return problemsOf(folder, entriesOf(folder, 'types'), (specifier, file) => {
    const found = ts.resolveModuleName(specifier, file, options, ts.sys, undefined, undefined, mode).resolvedModule;
    return found && /\.d\.[cm]?ts$/.test(found.resolvedFileName) ? found.resolvedFileName : undefined;
  });
}

/** The code reachable from the entry points, as Node resolves it in a host. */
export function codeProblems(folder) {
  return problemsOf(folder, entriesOf(folder, 'default'), (specifier, file) => {
    try {
      return createRequire(file).resolve(specifier);
    } catch {
      return undefined;
    }
  });
}
