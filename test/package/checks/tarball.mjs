import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';

const DOCUMENTS = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'];
const CODE = /^dist\/(?:[\w-]+\/)*[\w.-]+\.(?:js|d\.ts|mjs|d\.mts)$/;
const OURS_ALONE = /(?:^|\/)(?:test|tests|bench|sample-app|node_modules)\/|\.(?:spec|test|e2e-spec)\./;

const filesOf = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();

/** What should not be in the package, or is missing from it. */
export function contentProblems(folder) {
  const files = filesOf(folder);
  return [
    ...DOCUMENTS.filter((name) => !files.includes(name)).map((name) => `${name} is missing`),
    ...DOCUMENTS.filter((name) => files.includes(name) && statSync(join(folder, name)).size === 0).map(
      (name) => `${name} is empty`,
    ),
    ...files
      .filter((name) => OURS_ALONE.test(name) || !(DOCUMENTS.includes(name) || CODE.test(name)))
      .map((name) => `${name} should not be published`),
    ...files
      .filter((name) => /\.m?js$/.test(name) && !files.includes(name.replace(/\.(m?)js$/, '.d.$1ts')))
      .map((name) => `${name} has no types`),
  ];
}

/** Files that tell where they were built. */
export function pathProblems(folder, root) {
  const places = [root, homedir()].filter((place) => place.length > 1).map((place) => `${place.replace(/\/$/, '')}/`);
  return filesOf(folder).flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return places.filter((place) => text.includes(place)).map((place) => `${name} names ${place}`);
  });
}

/** Every target of `exports`, `main` and `types` must be in the package. */
export function entryProblems(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const targets = (value) => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(targets));
  const files = filesOf(folder);
  return [manifest.main, manifest.types, ...targets(manifest.exports), ...targets(manifest.typesVersions)]
    .filter((target) => !files.includes(target.replace(/^\.\//, '')))
    .map((target) => `package.json points to ${target}, which is not there`);
}
