import type { TokenSession } from '../contracts/session';
import type { JwtCodec } from '../tokens/jwt-codec';
import { checkHeader } from '../tokens/published-keys';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import type { TokenRejections } from '../sessions/rejections';
import type { Authentication } from '../sessions/session-checker';
import { TokenVerifier } from '../sessions/token-verifier';
import type { LocalUsers } from './local-users';
import type { RemoteKeys } from './remote-keys';
import { tokenSessionOf } from './token-session';

/** Mode `jwks`: one lock only. The session is not asked for, so that its token counts until it expires. */
export class JwksVerifier extends TokenVerifier {
  constructor(
    private readonly options: ResolvedVerifierOptions,
    private readonly codec: JwtCodec,
    private readonly keys: RemoteKeys,
    private readonly users: LocalUsers,
    rejections: TokenRejections,
  ) {
    super(rejections);
  }

  protected async check(token: string): Promise<Authentication<any, TokenSession>> {
    const now = this.options.clock.now();
    const header = this.codec.readHeader(token, 'access');
    checkHeader(header, true);
    const key = await this.keys.find(header);
    const claims = this.codec.readAccess(this.codec.openWith(key, token), now);
    return { user: await this.users.find(claims), session: tokenSessionOf(claims), claims: claims.custom };
  }
}
