import type { TokenSession } from '../contracts/session';
import { scopesOfClaim } from '../contracts/scopes';
import type { AccessClaims } from '../tokens/token-claims';

/** The session of a token, by what the token says or, where somebody knows more, by what they say of it. */
export function tokenSessionOf(
  { sessionId: id, userId, generation, ...said }: AccessClaims,
  known: { expiresAt: number; scope: unknown; authenticatedAt: number } = said,
): TokenSession {
  const { scope, authenticatedAt } = known;
  const expiresAt = Math.min(said.expiresAt, known.expiresAt);
  return Object.freeze({ id, userId, generation, expiresAt, scopes: scopesOfClaim(scope), authenticatedAt });
}
