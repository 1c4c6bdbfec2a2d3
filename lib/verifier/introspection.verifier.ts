import { TokenRejection } from '../contracts/errors';
import type { TokenSession } from '../contracts/session';
import type { JwtCodec } from '../tokens/jwt-codec';
import { checkHeader } from '../tokens/published-keys';
import { sha256 } from '../tokens/token-key';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import type { TokenRejections } from '../sessions/rejections';
import type { Authentication } from '../sessions/session-checker';
import { TokenVerifier } from '../sessions/token-verifier';
import type { ActiveAnswer, IntrospectionClient } from './introspection-client';
import type { LocalUsers } from './local-users';
import type { AnswerCache } from './answer-cache';
import { tokenSessionOf } from './token-session';

/** Mode `introspect`: both locks, at the issuer. What no issuer could have made is refused without asking. */
export class IntrospectionVerifier extends TokenVerifier {
  constructor(
    private readonly options: ResolvedVerifierOptions,
    private readonly codec: JwtCodec,
    private readonly client: IntrospectionClient,
    private readonly answers: AnswerCache<ActiveAnswer>,
    private readonly users: LocalUsers,
    rejections: TokenRejections,
  ) {
    super(rejections);
  }

  protected async check(token: string): Promise<Authentication<any, TokenSession>> {
    const { clock, clockTolerance } = this.options;
    const now = clock.now();
    checkHeader(this.codec.readHeader(token, 'access'), false);
    // Counts only once the issuer has said that the token, as it stands, is its own.
    const claims = this.codec.readUnverified(token, now);
    const answer = await this.answers.get(sha256(token), () => this.client.ask(token, claims));
    if (!answer) throw new TokenRejection('not_active');
    if (answer.expiresAt + clockTolerance <= now) throw new TokenRejection('expired', claims);
    return { user: await this.users.find(claims), session: tokenSessionOf(claims, answer), claims: claims.custom };
  }
}
