import type { TokenSession } from '../contracts/session';
import type { TokenClaims } from '../tokens/token-claims';

/** @param expiresAt when the session or the token ends, where more is known than the token says (epoch ms) */
export function tokenSessionOf(claims: TokenClaims, expiresAt = claims.expiresAt): TokenSession {
  const { sessionId: id, userId, generation } = claims;
  return Object.freeze({ id, userId, generation, expiresAt });
}
