// Tables of another make, on PostgreSQL: with indexes that grew with the rows, and with pages that have room.
import { ScenarioRun } from '../scenario-run.mjs';
import { findScenario } from '../scenarios/index.mjs';
import { measureDays } from './days.mjs';
import { measureOperation, TOUCH } from './operations.mjs';
import { createTables, fillInPlace, footprint } from './tables.mjs';

/** Enough that pages of the indexes have split many times. */
const ROWS = 200_000;
export const FILL_FACTOR = 85;

export async function measureVariants({ pattern, most, ...rest }) {
  const rows = Math.min(ROWS, most);
  const grown = await onTable([], pattern, rows, async (database) => ({
    kind: 'postgres',
    rows,
    bytes: await footprint(database, rows),
  }));
  const room = [`ALTER TABLE jwt_knox_sessions SET (fillfactor = ${FILL_FACTOR})`];
  const roomy = await onTable(room, pattern, rows, (database) => touchesOf(database, { rows, pattern, ...rest }));
  return { grown, roomy, days: await measureDays({ pattern, most }) };
}

async function onTable(before, { row }, rows, work) {
  const database = await createTables('postgres');
  try {
    for (const sql of before) await database.source.query(sql);
    await fillInPlace(database.source, row, rows);
    return await work(database);
  } finally {
    await database.source.destroy();
    await database.drop();
  }
}

async function touchesOf(database, { rows, pattern, secret, server, effort }) {
  const settings = { rows, pattern: pattern.claims };
  const run = new ScenarioRun({ ...findScenario('capacity/postgres/touching'), settings }, { database });
  try {
    await run.start(secret, server);
    await run.warmUp(effort.warmUp);
    await database.source.query('VACUUM ANALYZE jwt_knox_sessions');
    return {
      rows,
      bytes: await footprint(database, rows),
      ...(await measureOperation(TOUCH, { touching: run }, rows)),
    };
  } finally {
    await run.stop();
  }
}
