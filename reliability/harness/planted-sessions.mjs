// Sessions by the million, written by one statement, and tokens for them: the proof holds their one key.
import { createHash, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { sign } = require('jsonwebtoken');
const { NUMBERS, SPREAD_ID, spreadId } = require('../../.cache/host');

const KEY = randomBytes(32);
const SETTLE = {
  postgres: ['VACUUM ANALYZE jwt_knox_sessions', 'CHECKPOINT'],
  mariadb: ['ANALYZE TABLE jwt_knox_sessions'],
  'better-sqlite3': ['ANALYZE', 'PRAGMA wal_checkpoint(TRUNCATE)'],
};

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
     SELECT ${SPREAD_ID[type]}, ${userId}, '${digest}', 0, ${now}, ${now}, ${now + 86_400_000}, ${now} FROM ${NUMBERS[type](from, to)}`,
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
      sid: spreadId(n),
      jti: randomUUID(),
      iat,
      exp: iat + 3_600,
      gen: 0,
    };
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'default' };
    return sign({ ...claims, token_key: KEY.toString('base64url') }, key, { algorithm: 'HS256', header });
  });
}
