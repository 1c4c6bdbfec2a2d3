import fc from 'fast-check';
import { QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import {
  isDatabaseUnavailable,
  isForeignKeyViolation,
  isRetryable,
  isUnfitValue,
  isUniqueViolation,
} from '../../../lib/typeorm/driver-errors';

type Verdict = 'retry' | 'connection' | 'unique' | 'foreign key' | 'unfit' | 'other';

function verdictsOn(error: unknown): Verdict[] {
  const verdicts: Verdict[] = [];
  if (isRetryable(error)) verdicts.push('retry');
  if (isDatabaseUnavailable(error)) verdicts.push('connection');
  if (isUniqueViolation(error)) verdicts.push('unique');
  if (isForeignKeyViolation(error)) verdicts.push('foreign key');
  if (isUnfitValue(error)) verdicts.push('unfit');
  return verdicts.length > 0 ? verdicts : ['other'];
}

/** An error as its driver throws it. */
const driverError = (message: string, members: object = {}) => Object.assign(new Error(message), members);
const typeormError = (cause: Error) => new QueryFailedError('SELECT 1', [], cause);

const known: [string, Error, Verdict][] = [
  ['PostgreSQL: serialization failure', driverError('could not serialize access', { code: '40001' }), 'retry'],
  ['PostgreSQL: deadlock', driverError('deadlock detected', { code: '40P01' }), 'retry'],
  ['MariaDB: deadlock', driverError('Deadlock found', { code: 'ER_LOCK_DEADLOCK', errno: 1213 }), 'retry'],
  ['MariaDB: lock wait timeout', driverError('Lock wait timeout', { code: 'ER_LOCK_WAIT_TIMEOUT', errno: 1205 }), 'retry'],
  ['MariaDB: deadlock, by number alone', driverError('Deadlock found', { errno: 1213 }), 'retry'],
  ['SQLite: busy', driverError('database is locked', { code: 'SQLITE_BUSY' }), 'retry'],
  ['SQLite: busy snapshot', driverError('database is locked', { code: 'SQLITE_BUSY_SNAPSHOT' }), 'retry'],
  ['refused', driverError('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' }), 'connection'],
  ['reset', driverError('read ECONNRESET', { code: 'ECONNRESET' }), 'connection'],
  ['name not found', driverError('getaddrinfo ENOTFOUND db', { code: 'ENOTFOUND' }), 'connection'],
  ['timed out', driverError('connect ETIMEDOUT', { code: 'ETIMEDOUT' }), 'connection'],
  ['no socket', driverError('connect ENOENT /run/postgresql/.s.PGSQL.5432', { code: 'ENOENT' }), 'connection'],
  ['PostgreSQL: shut down', driverError('terminating connection', { code: '57P01' }), 'connection'],
  ['PostgreSQL: starting up', driverError('the database system is starting up', { code: '57P03' }), 'connection'],
  ['PostgreSQL: too many clients', driverError('sorry, too many clients already', { code: '53300' }), 'connection'],
  ['PostgreSQL: connection exception', driverError('connection failure', { code: '08006' }), 'connection'],
  ['pg: terminated', driverError('Connection terminated unexpectedly'), 'connection'],
  ['pg: pool exhausted', driverError('timeout exceeded when trying to connect'), 'connection'],
  ['pg: query_timeout', driverError('Query read timeout'), 'connection'],
  ['pg: pool ended', driverError('Cannot use a pool after calling end on the pool'), 'connection'],
  ['mysql2: lost', driverError('Connection lost: The server closed the connection.', { code: 'PROTOCOL_CONNECTION_LOST' }), 'connection'],
  ['mysql2: timeout of a query', driverError('Query inactivity timeout', { code: 'PROTOCOL_SEQUENCE_TIMEOUT' }), 'connection'],
  ['mysql2: closed', driverError("Can't add new command when connection is in closed state"), 'connection'],
  ['mysql2: queue full', driverError('Queue limit reached.'), 'connection'],
  ['Galera: a node without the others', driverError('WSREP has not yet prepared node for application use', { code: 'ER_UNKNOWN_COM_ERROR', errno: 1047 }), 'connection'],
  ['better-sqlite3: closed', driverError('The database connection is not open'), 'connection'],
  ['TypeORM: not connected', driverError('Driver not Connected'), 'connection'],
  ['PostgreSQL: duplicate key', driverError('duplicate key value', { code: '23505' }), 'unique'],
  ['MariaDB: duplicate key', driverError('Duplicate entry', { code: 'ER_DUP_ENTRY', errno: 1062 }), 'unique'],
  ['SQLite: duplicate key', driverError('UNIQUE constraint failed', { code: 'SQLITE_CONSTRAINT_UNIQUE' }), 'unique'],
  ['PostgreSQL: foreign key', driverError('violates foreign key constraint', { code: '23503' }), 'foreign key'],
  ['MariaDB: foreign key', driverError('Cannot add or update a child row', { code: 'ER_NO_REFERENCED_ROW_2', errno: 1452 }), 'foreign key'],
  ['SQLite: foreign key', driverError('FOREIGN KEY constraint failed', { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' }), 'foreign key'],
  ['PostgreSQL: no such table', driverError('relation "x" does not exist', { code: '42P01' }), 'other'],
  ['PostgreSQL: value too long', driverError('value too long', { code: '22001' }), 'unfit'],
  ['PostgreSQL: not null', driverError('null value in column', { code: '23502' }), 'other'],
  ['MariaDB: syntax', driverError('You have an error in your SQL syntax', { code: 'ER_PARSE_ERROR', errno: 1064 }), 'other'],
  ['SQLite: no such table', driverError('no such table: x', { code: 'SQLITE_ERROR' }), 'other'],
  ['SQLite: primary key', driverError('UNIQUE constraint failed: id', { code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }), 'other'],
  ['sqlite3: duplicate key', driverError('SQLITE_CONSTRAINT: UNIQUE constraint failed: t.slot', { code: 'SQLITE_CONSTRAINT', errno: 19 }), 'unique'],
  ['sqlite3: foreign key', driverError('SQLITE_CONSTRAINT: FOREIGN KEY constraint failed', { code: 'SQLITE_CONSTRAINT', errno: 19 }), 'foreign key'],
  ['sqlite3: not null', driverError('SQLITE_CONSTRAINT: NOT NULL constraint failed: t.realm', { code: 'SQLITE_CONSTRAINT', errno: 19 }), 'other'],
  ['sqlite3: locked', driverError('SQLITE_LOCKED: database table is locked', { code: 'SQLITE_LOCKED' }), 'retry'],
  ['sqlite3: closed', driverError('SQLITE_MISUSE: Database is closed', { code: 'SQLITE_MISUSE', errno: 21 }), 'connection'],
  ['sql.js: duplicate key', driverError('UNIQUE constraint failed: t.realm, t.slot'), 'unique'],
  ['sql.js: foreign key', driverError('FOREIGN KEY constraint failed'), 'foreign key'],
  ['a text that speaks of a constraint', driverError("no such column: 'UNIQUE constraint failed'"), 'other'],
  ['PGlite: closed', driverError('PGlite is closed'), 'connection'],
  ['mysql: after a fatal error', driverError('Cannot enqueue Query after fatal error.', { code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR' }), 'connection'],
  ['PostgreSQL: not in the encoding', driverError('has no equivalent in encoding "LATIN1"', { code: '22P05' }), 'unfit'],
  ['MariaDB: not in the character set', driverError('Incorrect string value', { code: 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', errno: 1366 }), 'unfit'],
  ['MariaDB: too long', driverError('Data too long', { code: 'ER_DATA_TOO_LONG', errno: 1406 }), 'unfit'],
  ['a bug', new TypeError("Cannot read properties of undefined (reading 'id')"), 'other'],
]; // prettier-ignore

describe("a driver's error", () => {
  it.each(known)('is told apart: %s', (_title, error, verdict) => expect(verdictsOn(error)).toEqual([verdict]));

  it.each(known)('is told apart inside of a TypeORM error: %s', (_title, error, verdict) => {
    expect(verdictsOn(typeormError(error))).toEqual([verdict]);
  });

  it.each(known.filter(([, , verdict]) => verdict === 'connection'))(
    'is told apart among all addresses of a host: %s',
    (_title, error) => {
      const gathered = new AggregateError([error, new Error('another address')], '');
      expect(verdictsOn(gathered)).toEqual(['connection']);
      expect(verdictsOn(typeormError(gathered))).toEqual(['connection']);
    },
  );
});

describe('anything else that can be thrown', () => {
  it('is no failure of the storage', () => {
    for (const thrown of [
      undefined,
      null,
      0,
      1213,
      '40001',
      'ECONNREFUSED',
      Symbol('x'),
      {},
      [],
      () => undefined,
      { code: 23505 },
      { code: {} },
    ]) {
      expect(verdictsOn(thrown)).toEqual(['other']);
    }
  });

  it('never breaks the question itself', () => {
    const odd = fc.oneof(
      fc.anything(),
      fc.record({ code: fc.anything(), errno: fc.anything(), message: fc.anything({ withNullPrototype: false }), driverError: fc.anything(), errors: fc.anything() }, { requiredKeys: [] }),
    ); // prettier-ignore
    fc.assert(
      fc.property(odd, (thrown) => void verdictsOn(thrown)),
      { numRuns: 1_000 },
    );
  });

  it('may even contain itself', () => {
    const loop = driverError('loop') as Error & { driverError?: Error };
    loop.driverError = loop;
    expect(verdictsOn(loop)).toEqual(['other']);
  });
});
