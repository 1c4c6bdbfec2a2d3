// Tokens and requests for the scenarios that are not the library's own.
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';

/** How many users, each with a session and a token, take turns in a scenario. */
export const USERS = 200;

/** Requests under way at a time. */
export const CONCURRENCY = 8;

export const keyOf = (secret) => createSecretKey(Buffer.from(secret));

/** Tokens of the same size as the library's, with the same members. */
export function statelessTokens(secret) {
  const key = keyOf(secret);
  return Array.from({ length: USERS }, (_, index) => {
    const claims = {
      sub: `u${index + 1}`,
      sid: randomUUID(),
      jti: randomUUID(),
      gen: 0,
      token_key: randomBytes(32).toString('base64url'),
    };
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'default' };
    return { ...claims, token: jsonwebtoken.sign(claims, key, { header, expiresIn: '1h' }) };
  });
}

/** `GET /me` with a token, and the answer that names its user. */
export function meRequest(token, id) {
  return { headers: { Authorization: `Bearer ${token}` }, expect: { status: 200, body: JSON.stringify({ id }) } };
}
