import { IssuerUnavailableError, TokenRejection } from '../contracts/errors';
import type { TokenSession } from '../contracts/session';
import type { AccessClaims } from '../tokens/token-claims';
import type { IssuerAnswers } from './issuer-answers';
import type { ResolvedRevocations } from './resolve-revocations';
import type { RevocationSubscription } from './revocation-subscription';
import { tokenSessionOf } from './token-session';

/** Asks memory whether a token's session has ended; the issuer, where memory cannot tell and the issuer may be asked. */
export class RevocationCheck {
  constructor(
    readonly stream: RevocationSubscription,
    private readonly onSilence: ResolvedRevocations['onSilence'],
    private readonly answers: IssuerAnswers | null,
  ) {}

  /**
   * The session of a token whose signature and claims hold; at once where nobody is to be asked.
   * @param issuedAt the claim `iat`
   * @throws TokenRejection, IssuerUnavailableError
   */
  sessionOf(token: string, claims: AccessClaims, issuedAt: number, now: number): TokenSession | Promise<TokenSession> {
    const { sessionId, userId, actor, authenticatedAt } = claims;
    const mayBeProgram = authenticatedAt === 0 && actor === null;
    const verdict = this.stream.view.judge({ sessionId, userId, issuedAt, mayBeProgram });
    if (verdict === 'over') throw new TokenRejection('not_active', claims);
    // Who acts as a user may do so while their own session lives, which the token does not name.
    if (verdict === 'good' && actor === null) return tokenSessionOf(claims);
    // A refresh gives a good session another token, of which there is no doubt.
    if (verdict === 'doubtful' && !this.answers) throw new TokenRejection('not_active', claims);
    if (this.answers && (verdict === 'doubtful' || this.onSilence === 'introspect'))
      return this.answers.sessionOf(token, claims, now);
    if (this.onSilence === 'accept-until-exp') return tokenSessionOf(claims);
    throw new IssuerUnavailableError(new Error('The revocation stream is not heard, or cannot judge this token.'));
  }
}
