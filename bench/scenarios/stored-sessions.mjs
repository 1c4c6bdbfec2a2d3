// Sessions in the library's table for scenarios that do without the library.
import { createHash } from 'node:crypto';
import pg from 'pg';

const INSERT = `INSERT INTO jwt_knox_sessions
  ("id", "userId", "accessDigest", "refreshDigest", "generation", "createdAt", "authenticatedAt", "expiresAt",
   "lastUsedAt", "userAgent", "ipAddress")
  VALUES ($1, $2, $3, $3, 0, $4, $4, $5, $4, 'bench/1.0', '127.0.0.1')`;

export function poolOn({ url, poolSize, extra }) {
  return new pg.Pool({ connectionString: url, max: poolSize, ...extra });
}

/** One row for each token. */
export async function storeSessions(pool, tokens) {
  const now = Date.now();
  for (const { sid, sub, token_key } of tokens) {
    const digest = createHash('sha256').update(Buffer.from(token_key, 'base64url')).digest('hex');
    await pool.query(INSERT, [sid, sub, digest, now, now + 3_600_000]);
  }
}
