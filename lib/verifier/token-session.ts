import { scopesOfClaim } from '../contracts/scopes';
import type { TokenSession } from '../contracts/session';
import type { AccessClaims } from '../tokens/token-claims';

/** The session of a token, by what the token says or, where somebody knows more, by what they say of it. */
export function tokenSessionOf(
  { sessionId: id, userId, generation, ...said }: AccessClaims,
  known: Pick<AccessClaims, 'expiresAt' | 'authenticatedAt' | 'actor' | 'boundTo'> & { scope: unknown } = said,
): TokenSession {
  // Whoever says that it is bound is believed.
  const boundTo = known.boundTo ?? said.boundTo;
  return Object.freeze({
    id,
    userId,
    generation,
    expiresAt: Math.min(said.expiresAt, known.expiresAt),
    scopes: scopesOfClaim(known.scope),
    authenticatedAt: known.authenticatedAt,
    actorId: known.actor?.userId ?? null,
    actorRealm: known.actor ? known.actor.realm : null,
    boundKind: boundTo === null ? null : 'dpop',
    boundKeyThumbprint: boundTo,
  });
}
