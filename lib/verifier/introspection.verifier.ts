import type { TokenSession } from '../contracts/session';
import type { JwtCodec } from '../tokens/jwt-codec';
import { checkHeader } from '../tokens/published-keys';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import type { TokenRejections } from '../sessions/rejections';
import type { Authentication } from '../sessions/session-checker';
import { TokenVerifier } from '../sessions/token-verifier';
import type { IssuerAnswers } from './issuer-answers';
import type { LocalUsers } from './local-users';

/** Mode `introspect`: both locks, at the issuer. What no issuer could have made is refused without asking. */
export class IntrospectionVerifier extends TokenVerifier {
  constructor(
    private readonly options: ResolvedVerifierOptions,
    private readonly codec: JwtCodec,
    private readonly answers: IssuerAnswers,
    private readonly users: LocalUsers,
    rejections: TokenRejections,
  ) {
    super(rejections);
  }

  protected async check(token: string): Promise<Authentication<any, TokenSession>> {
    const now = this.options.clock.now();
    checkHeader(this.codec.readHeader(token, 'access'), false);
    // Counts only once the issuer has said that the token, as it stands, is its own.
    const claims = this.codec.readUnverified(token, now);
    const session = await this.answers.sessionOf(token, claims, now);
    return { user: await this.users.find(claims), session, claims: claims.custom };
  }
}
