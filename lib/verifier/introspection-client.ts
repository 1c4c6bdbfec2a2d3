import { type AccessClaims, actorIn, authTimeIn, thumbprintIn, type TokenClaims } from '../tokens/token-claims';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import { CircuitBreaker } from './circuit-breaker';
import { fetchFromIssuer, UnusableResponse } from './issuer-fetch';

/** What the issuer says of a token that is active. Times are epoch milliseconds. */
export interface ActiveAnswer {
  readonly expiresAt: number;
  /** What the session may do now, whatever its token says. */
  readonly scope: unknown;
  readonly authenticatedAt: number;
  readonly actor: AccessClaims['actor'];
  /** Thumbprint of the key that whoever shows the token must have; null for none. */
  readonly boundTo: string | null;
}

/** Asks the issuer about tokens (RFC 7662). */
export class IntrospectionClient {
  constructor(
    private readonly options: NonNullable<ResolvedVerifierOptions['introspection']>,
    private readonly circuit = new CircuitBreaker(),
  ) {}

  /** Null when the token is not active. @throws IssuerUnavailableError */
  ask(token: string, claims: TokenClaims): Promise<ActiveAnswer | null> {
    const ask = async () => answerOf(await this.post(token), claims);
    // An issuer without its storage still knows what is no token: only an active one shows that it is well.
    return this.circuit.run(ask, (answer) => answer !== null);
  }

  private async post(token: string): Promise<unknown> {
    const { uri, client, timeout } = this.options;
    const response = await fetchFromIssuer(uri, {
      method: 'POST',
      headers: { authorization: client.authorization, accept: 'application/json' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      signal: AbortSignal.timeout(timeout),
    });
    return response.json();
  }
}

/** An answer about somebody else, or that leaves anything open, is none. */
function answerOf(body: unknown, claims: TokenClaims): ActiveAnswer | null {
  const members = Object(body) as Record<string, unknown>;
  const { active, sub, sid, token_type: type, exp, scope } = members;
  if (active === false) return null;
  const boundTo = thumbprintIn(members);
  const isSound =
    active === true && sub === claims.userId && sid === claims.sessionId && Number.isInteger(exp) &&
    type === (boundTo === null ? 'Bearer' : 'DPoP'); // prettier-ignore
  if (!isSound) throw new UnusableResponse('The issuer gave an answer that does not fit the token.');
  const expiresAt = (exp as number) * 1_000;
  return { expiresAt, scope, authenticatedAt: authTimeIn(members), actor: actorIn(members), boundTo };
}
