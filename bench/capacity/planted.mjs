// Sessions by the million, after the pattern of one that a real login started: its keys open all of them.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import jsonwebtoken from 'jsonwebtoken';
import { keyOf } from '../tokens.mjs';

const { NUMBERS, SPREAD_ID, SPREAD_NUMBER, spreadId } = createRequire(import.meta.url)('../../.cache/host');

const DAY_MS = 86_400_000;
const BATCH = 250_000;

/** Every tenth session has expired, so that a purge meets them all over the table. */
export const EXPIRED_EVERY = 10;
export const SESSIONS_PER_USER = 3;

/** What Chrome on Windows sends. */
export const BROWSER =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** SQL of the user and the address of the session n. */
const EXPRESSIONS = {
  postgres: { userId: (users) => `'u' || (1 + n % ${users})`, address: `'198.51.100.' || n % 256` },
  mariadb: { userId: (users) => `CONCAT('u', 1 + n % ${users})`, address: `CONCAT('198.51.100.', n % 256)` },
};

export function usersOf(rows) {
  return Math.ceil(rows / SESSIONS_PER_USER);
}

/** Fills the table, which has no session yet. @param row that of a real login */
export async function fill(runner, row, rows) {
  const { type } = runner.connection.options;
  const { userId, address } = EXPRESSIONS[type];
  const spread = SPREAD_NUMBER[type];
  const now = Date.now();
  const own = {
    id: SPREAD_ID[type],
    userId: userId(usersOf(rows)),
    ipAddress: address,
    // Apart from each other, as moments are: equal ones would make the index smaller than it is in life.
    expiresAt:
      `CASE WHEN n % ${EXPIRED_EVERY} = 0 THEN ${now - DAY_MS} - (${spread}) % ${DAY_MS} ` +
      `ELSE ${row.expiresAt} + (${spread}) % ${DAY_MS} END`,
  };
  const names = Object.keys(row).filter((name) => row[name] !== null);
  const values = names.map((name) => own[name] ?? literal(row[name]));
  const columns = names.map((name) => runner.connection.driver.escape(name)).join(', ');
  for (let from = 1; from <= rows; from += BATCH) {
    const source = NUMBERS[type](from, Math.min(rows, from + BATCH - 1));
    await runner.query(`INSERT INTO jwt_knox_sessions (${columns}) SELECT ${values.join(', ')} FROM ${source}`);
  }
}

function literal(value) {
  return /^-?\d{1,15}$/.test(String(value)) ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}

/** The sessions that a server may change for good: of ten, the first or the second, so that two can share a table. */
const MOST_SPENDING = 2;

/** Makes tokens of sessions that are picked by chance among all that are alive. */
export class PlantedTokens {
  #spent = new Set();

  /**
   * @param pattern the claims of the tokens of the session that all others were made after
   * @param spends which of ten sessions this server may change for good: 1 or 2
   */
  constructor(secret, { access, refresh }, { rows, spends = 1 }) {
    this.key = keyOf(secret);
    this.rows = rows;
    this.spends = spends;
    this.claims = { access, refresh };
  }

  /** Of a session that stays. @returns `{ userId, token }` */
  next() {
    return this.#tokenOf(
      'access',
      this.#pick((rest) => rest > MOST_SPENDING),
    );
  }

  /** Of a session that is picked once, and never by `next`. */
  spend(kind) {
    if (this.#spent.size >= Math.floor(this.rows / EXPIRED_EVERY)) throw new RangeError('All sessions are spent.');
    const n = this.#pick((rest, one) => rest === this.spends && !this.#spent.has(one));
    this.#spent.add(n);
    return this.#tokenOf(kind, n);
  }

  #pick(isFit) {
    for (;;) {
      const n = 1 + Math.floor(Math.random() * this.rows);
      if (isFit(n % EXPIRED_EVERY, n)) return n;
    }
  }

  #tokenOf(kind, n) {
    const userId = `u${1 + (n % usersOf(this.rows))}`;
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { ...this.claims[kind], sub: userId, sid: spreadId(n), jti: randomUUID(), iat, exp: iat + 3_600 };
    const header = { alg: 'HS256', typ: kind === 'access' ? 'at+jwt' : 'rt+jwt', kid: 'default' };
    return { userId, token: jsonwebtoken.sign(claims, this.key, { algorithm: 'HS256', header }) };
  }
}
