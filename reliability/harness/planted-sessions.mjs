// Sessions by the million, written by one statement, and tokens for them: the proof holds their one key.
import { createHash, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

const { sign } = createRequire(import.meta.url)('jsonwebtoken');

const KEY = randomBytes(32);
const SPREAD = 2_654_435_761n;

/** Ids that look like chance, so that neighbours lie far apart in the index. Of n, alike in every database and here. */
const IDS = {
  postgres: `lpad(to_hex((n::bigint * ${SPREAD}) % 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0')`,
  mariadb: `LOWER(CONCAT(LPAD(HEX((n * ${SPREAD}) % 4294967296), 8, '0'), '-0000-4000-8000-', LPAD(HEX(n), 12, '0')))`,
  'better-sqlite3': `printf('%08x-0000-4000-8000-%012x', (n * ${SPREAD}) % 4294967296, n)`,
};
const NUMBERS = {
  postgres: (from, to) => `generate_series(${from}, ${to}) AS numbers(n)`,
  mariadb: (from, to) => `(SELECT seq AS n FROM seq_${from}_to_${to}) AS numbers`,
  'better-sqlite3': (from, to) =>
    `(WITH RECURSIVE counter(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM counter WHERE n < ${to}) SELECT n FROM counter)`,
};
const SETTLE = {
  postgres: ['VACUUM ANALYZE jwt_knox_sessions', 'CHECKPOINT'],
  mariadb: ['ANALYZE TABLE jwt_knox_sessions'],
  'better-sqlite3': ['ANALYZE', 'PRAGMA wal_checkpoint(TRUNCATE)'],
};

function idOf(n) {
  const first = ((BigInt(n) * SPREAD) % 4_294_967_296n).toString(16).padStart(8, '0');
  return `${first}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

function userOf(n, [first, last]) {
  return first + (n % (last - first + 1));
}

/** The sessions `from` … `to`, given to the users of these two numbers and all between in turn. */
export async function seedSessions(source, { from, to, users: [first, last] }) {
  const { type } = source.options;
  const user = `${first} + n % ${last - first + 1}`;
  const userId = type === 'mariadb' ? `CONCAT('id-user', ${user})` : `'id-user' || (${user})`;
  const digest = createHash('sha256').update(KEY).digest('hex');
  const now = Date.now();
  const names = [
    'id',
    'userId',
    'accessDigest',
    'generation',
    'createdAt',
    'authenticatedAt',
    'expiresAt',
    'lastUsedAt',
  ];
  const quote = type === 'mariadb' ? '`' : '"';
  await source.query(
    `INSERT INTO jwt_knox_sessions (${names.map((name) => `${quote}${name}${quote}`).join(', ')})
     SELECT ${IDS[type]}, ${userId}, '${digest}', 0, ${now}, ${now}, ${now + 86_400_000}, ${now} FROM ${NUMBERS[type](from, to)}`,
  );
  for (const sql of SETTLE[type]) await source.query(sql);
}

/** Access tokens of some of these sessions, by chance. */
export function tokensOf(secret, { from, to, users }) {
  const key = createSecretKey(Buffer.from(secret));
  const iat = Math.floor(Date.now() / 1_000);
  const count = Math.min(to - from + 1, 3_000);
  return Array.from({ length: count }, () => {
    const n = from + Math.floor(Math.random() * (to - from + 1));
    const claims = {
      sub: `id-user${userOf(n, users)}`,
      sid: idOf(n),
      jti: randomUUID(),
      iat,
      exp: iat + 3_600,
      gen: 0,
    };
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'default' };
    return sign({ ...claims, token_key: KEY.toString('base64url') }, key, { algorithm: 'HS256', header });
  });
}
