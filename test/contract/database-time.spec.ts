import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseTime } from '../../lib/terminus/database-time';
import { createDatabase, type DatabaseKind, databaseKinds, type TestDatabase } from '../support/databases';

const HOUR_MS = 3_600_000;
/** What the machine may take; both clocks are its own. */
const PATIENCE_MS = 60_000;
const servers = databaseKinds.filter((kind): kind is Exclude<DatabaseKind, 'sqlite'> => kind !== 'sqlite');

it('an embedded database has the clock of its process, and is not asked', async () => {
  const query = () => Promise.reject(new Error('It was asked.'));
  for (const type of ['better-sqlite3', 'sqlite', 'sqljs'])
    expect(await databaseTime({ type, query } as never)).toBeNull();
});

describe.each(servers)("the database's own clock: %s", (kind) => {
  let database: TestDatabase;
  let source: DataSource;

  beforeEach(async () => {
    database = await createDatabase(kind);
    source = await new DataSource({ ...database.options, poolSize: 1 } as DataSource['options']).initialize();
  });
  afterEach(async () => {
    await source.destroy();
    await database.drop();
  });

  const asked = { type: kind, query: (sql: string) => source.query(sql) };
  const difference = async () => Math.abs((await databaseTime(asked as never))! - Date.now());

  it('is read to the millisecond', async () => {
    expect(await difference()).toBeLessThan(PATIENCE_MS);
    const times = [];
    for (let count = 0; count < 20; count++) times.push(await databaseTime(asked as never));
    expect(times.some((time) => time! % 1_000 >= 1)).toBe(true);
  });

  it.runIf(kind === 'mariadb')('is right in the hour that comes twice, when summer ends', async () => {
    const name = `jwt_knox_test_${randomBytes(6).toString('hex')}`;
    await inAutumnZone(source, name, async () => {
      await source.query(`SET time_zone = '${name}'`);
      expect(await difference()).toBeLessThan(PATIENCE_MS);
      // By way of local time it would be the first of the two.
      const [{ local }] = await source.query('SELECT UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS local');
      expect(Date.now() - Number(local)).toBeGreaterThan(HOUR_MS - PATIENCE_MS);
    });
  });
});

/** A time zone of MariaDB in which the clocks were set back ten minutes ago: servers need not know those of the world. */
async function inAutumnZone(source: DataSource, name: string, work: () => Promise<void>): Promise<void> {
  const { insertId: id } = await source.query(`INSERT INTO mysql.time_zone (Use_leap_seconds) VALUES ('N')`);
  try {
    const end = Math.round(Date.now() / 1_000) - 600;
    await source.query(`INSERT INTO mysql.time_zone_name VALUES ('${name}', ${id})`);
    await source.query(
      `INSERT INTO mysql.time_zone_transition_type VALUES (${id}, 0, 7200, 1, 'S'), (${id}, 1, 3600, 0, 'W')`,
    );
    await source.query(`INSERT INTO mysql.time_zone_transition VALUES (${id}, -2147483648, 0), (${id}, ${end}, 1)`);
    await work();
  } finally {
    const tables = ['time_zone', 'time_zone_name', 'time_zone_transition', 'time_zone_transition_type'];
    for (const table of tables) await source.query(`DELETE FROM mysql.${table} WHERE Time_zone_id = ${id}`);
  }
}
