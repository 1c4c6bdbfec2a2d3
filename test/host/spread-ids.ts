const SPREAD = 2_654_435_761n;

/** SQL by the `type` of a data source, of a number `n`. */
type Sql = Record<'postgres' | 'mariadb' | 'better-sqlite3', string>;

/** Numbers that look like chance, below 2³². */
export const SPREAD_NUMBER: Sql = {
  postgres: `(n::bigint * ${SPREAD}) % 4294967296`,
  mariadb: `(n * ${SPREAD}) % 4294967296`,
  'better-sqlite3': `(n * ${SPREAD}) % 4294967296`,
};

/** Ids that look like chance, so that neighbours lie far apart in the index. Of n, alike in every database and here. */
export const SPREAD_ID: Sql = {
  postgres: `lpad(to_hex(${SPREAD_NUMBER.postgres}), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0')`,
  mariadb: `LOWER(CONCAT(LPAD(HEX(${SPREAD_NUMBER.mariadb}), 8, '0'), '-0000-4000-8000-', LPAD(HEX(n), 12, '0')))`,
  'better-sqlite3': `printf('%08x-0000-4000-8000-%012x', ${SPREAD_NUMBER['better-sqlite3']}, n)`,
};

/** What {@link SPREAD_ID} gives for a number. */
export function spreadId(n: number): string {
  const first = ((BigInt(n) * SPREAD) % 4_294_967_296n).toString(16).padStart(8, '0');
  return `${first}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** The numbers `from` … `to`, to select from. */
export const NUMBERS: Record<keyof Sql, (from: number, to: number) => string> = {
  postgres: (from, to) => `generate_series(${from}, ${to}) AS numbers(n)`,
  mariadb: (from, to) => `(SELECT seq AS n FROM seq_${from}_to_${to}) AS numbers`,
  'better-sqlite3': (from, to) =>
    `(WITH RECURSIVE counter(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM counter WHERE n < ${to}) SELECT n FROM counter)`,
};
