// Sessions in the library's table for scenarios that do without the library.
import { createHash } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import pg from 'pg';
import { bearerOf } from '../raw-server.mjs';
import { keyOf, meRequest, statelessTokens } from '../tokens.mjs';

const INSERT = `INSERT INTO jwt_knox_sessions
  ("id", "userId", "accessDigest", "refreshDigest", "generation", "createdAt", "authenticatedAt", "expiresAt",
   "lastUsedAt", "userAgent", "ipAddress")
  VALUES ($1, $2, $3, $3, 0, $4, $4, $5, $4, 'bench/1.0', '127.0.0.1')`;

/** Options of every signature check. */
export const VERIFY = { algorithms: ['HS256'] };

export function poolOn({ url, poolSize, extra }) {
  return new pg.Pool({ connectionString: url, max: poolSize, ...extra });
}

/**
 * The least that finds the user of a stored session: a JWT is verified, and one prepared statement reads these columns.
 * @returns `userIdOf(request)`, and the requests that it is for
 */
export async function storedSessions({ secret, database }, columns) {
  const key = keyOf(secret);
  const pool = poolOn(database);
  const tokens = statelessTokens(secret);
  await storeSessions(pool, tokens);
  const text = `SELECT ${columns} FROM jwt_knox_sessions WHERE "id" = $1`;
  const userIdOf = async (request) => {
    const { sid } = jsonwebtoken.verify(bearerOf(request), key, VERIFY);
    const { rows } = await pool.query({ name: 'session', text, values: [sid] });
    return rows[0].userId;
  };
  return { userIdOf, requests: tokens.map(({ token, sub }) => meRequest(token, sub)) };
}

/** One row for each token. */
async function storeSessions(pool, tokens) {
  const now = Date.now();
  for (const { sid, sub, token_key } of tokens) {
    const digest = createHash('sha256').update(Buffer.from(token_key, 'base64url')).digest('hex');
    await pool.query(INSERT, [sid, sub, digest, now, now + 3_600_000]);
  }
}
