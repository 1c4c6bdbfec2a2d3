// Which files run on database servers.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A file that names none of these runs on no server: it would do again what `npm test` has done. */
const BY_DATABASE = /\b(?:databaseKinds|environments|everyEnvironment)\b/;

/** @param isLeftOut tells, by their names and texts, which end-to-end tests not to run */
export function filesOnServers(isLeftOut = () => false) {
  const e2e = readdirSync(join(root, 'test/e2e')).filter((name) => {
    if (!name.endsWith('.e2e-spec.ts')) return false;
    const text = readFileSync(join(root, 'test/e2e', name), 'utf8');
    return BY_DATABASE.test(text) && !isLeftOut(name, text);
  });
  return ['test/contract', ...e2e.map((name) => `test/e2e/${name}`)];
}
