// Counts statements where the drivers send them, in a phase of its own: nothing is patched while CPU is measured.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let stop;
let counted = 0;

/** Begins to count or, when it is under way, ends it and answers the number. */
export function countStatements() {
  if (stop) {
    stop();
    stop = undefined;
    return counted;
  }
  counted = 0;
  const restores = [...targets()].map(([prototype, method]) => patch(prototype, method));
  stop = () => restores.forEach((restore) => restore());
  return null;
}

/** Only drivers that the scenario has loaded. */
function* targets() {
  const loaded = (name) => Object.keys(require.cache).some((file) => file.includes(`/node_modules/${name}/`));
  if (loaded('pg')) yield [require('pg').Client.prototype, 'query'];
  if (loaded('mysql2')) {
    const base = Object.getPrototypeOf(require('mysql2').Connection.prototype);
    for (const method of ['query', 'execute']) yield [base, method];
  }
  if (loaded('better-sqlite3')) {
    const Database = require('better-sqlite3');
    const database = new Database(':memory:');
    const statement = Object.getPrototypeOf(database.prepare('SELECT 1'));
    database.close();
    for (const method of ['run', 'get', 'all']) yield [statement, method];
  }
}

/** What a feed asks from time to time, whether there are requests or not. */
function isOfFeed({ connectionParameters }, statement) {
  return (
    connectionParameters?.application_name === 'jwt-knox feed' ||
    String(statement?.text ?? statement).includes('pg_postmaster_start_time')
  );
}

function patch(prototype, method) {
  const original = prototype[method];
  prototype[method] = function counting(...args) {
    if (!isOfFeed(this, args[0])) counted++;
    return original.apply(this, args);
  };
  return () => {
    prototype[method] = original;
  };
}
