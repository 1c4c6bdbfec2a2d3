import { TokenRejection } from '../contracts/errors';
import type { TokenSession } from '../contracts/session';
import type { AccessClaims } from '../tokens/token-claims';
import { sha256 } from '../tokens/token-key';
import { AnswerCache } from './answer-cache';
import { type ActiveAnswer, IntrospectionClient } from './introspection-client';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import { tokenSessionOf } from './token-session';

/** What the issuer says of tokens. */
export class IssuerAnswers {
  private readonly client: IntrospectionClient;
  private readonly answers: AnswerCache<ActiveAnswer>;

  constructor(
    options: NonNullable<ResolvedVerifierOptions['introspection']>,
    private readonly clockTolerance: number,
  ) {
    this.client = new IntrospectionClient(options);
    this.answers = new AnswerCache(options.cacheTtl, options.cacheSize);
  }

  /** The session of a token, as the issuer knows it. @throws TokenRejection, IssuerUnavailableError */
  async sessionOf(token: string, claims: AccessClaims, now: number): Promise<TokenSession> {
    const answer = await this.answers.get(sha256(token), () => this.client.ask(token, claims));
    if (!answer) throw new TokenRejection('not_active');
    if (answer.expiresAt + this.clockTolerance <= now) throw new TokenRejection('expired', claims);
    return tokenSessionOf(claims, answer);
  }
}
