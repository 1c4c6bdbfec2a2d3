// Triggers on the table of sessions: what the proofs of races see, and what they slow down.

const MOST_SECONDS = 0.006;
const SLOW = {
  postgres: [
    `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
     'BEGIN PERFORM pg_sleep(random() * ${MOST_SECONDS}); RETURN NEW; END'`,
    'CREATE TRIGGER dawdle BEFORE INSERT ON jwt_knox_sessions FOR EACH ROW EXECUTE FUNCTION dawdle()',
  ],
  mariadb: [
    `CREATE TRIGGER dawdle BEFORE INSERT ON jwt_knox_sessions FOR EACH ROW SET @dawdled = SLEEP(RAND() * ${MOST_SECONDS})`,
  ],
  // It cannot sleep: there the host does, before the row is written.
  sqlite: [],
};

/** Makes each INSERT of a session slow: what it must not miss comes in the midst of it. */
export async function slowInserts(kind, source) {
  for (const sql of SLOW[kind]) await source.query(sql);
}

const EVENTS = ['INSERT', 'UPDATE', 'DELETE'];
const onEach = (body) =>
  EVENTS.map((event) => `CREATE TRIGGER touch_${event} AFTER ${event} ON jwt_knox_sessions ${body}`);
const COUNTING = {
  postgres: [
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO touched VALUES (1); RETURN NULL; END'",
    ...onEach('FOR EACH ROW EXECUTE FUNCTION touch()'),
  ],
  mariadb: onEach('FOR EACH ROW INSERT INTO touched VALUES (1)'),
  sqlite: onEach('BEGIN INSERT INTO touched VALUES (1); END'),
}; // prettier-ignore

/** Counts from now on how many rows are written; answers how many that were. */
export async function countWrites(kind, source) {
  for (const sql of ['CREATE TABLE touched (n INT)', ...COUNTING[kind]]) await source.query(sql);
  return async () => Number((await source.query('SELECT COUNT(*) AS n FROM touched'))[0].n);
}
