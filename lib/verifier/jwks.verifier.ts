import type { OnApplicationShutdown } from '@nestjs/common';
import type { Presenter } from '../contracts/device';
import type { TokenSession } from '../contracts/session';
import type { JwtCodec } from '../tokens/jwt-codec';
import { checkHeader } from '../tokens/published-keys';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import type { DeviceCheck } from '../sessions/device-check';
import type { TokenRejections } from '../sessions/rejections';
import type { Authentication } from '../sessions/session-checker';
import { TokenVerifier } from '../sessions/token-verifier';
import type { LocalUsers } from './local-users';
import type { RemoteKeys } from './remote-keys';
import type { RevocationCheck } from './revocation-check';
import { tokenSessionOf } from './token-session';

/** What a token is checked by, and whose it is. */
interface JwksParts {
  readonly codec: JwtCodec;
  readonly keys: RemoteKeys;
  readonly users: LocalUsers;
  readonly devices: DeviceCheck;
  /** Null: the session is not asked for, so that its token counts until it expires. */
  readonly revocations: RevocationCheck | null;
}

/** Mode `jwks`: the signature, and what the issuer's revocation stream has told. */
export class JwksVerifier extends TokenVerifier implements OnApplicationShutdown {
  constructor(
    private readonly options: ResolvedVerifierOptions,
    private readonly parts: JwksParts,
    rejections: TokenRejections,
  ) {
    super(rejections);
    parts.revocations?.stream.start();
  }

  onApplicationShutdown(): void {
    this.parts.revocations?.stream.stop();
  }

  protected async check(token: string, presenter?: Presenter): Promise<Authentication<any, TokenSession>> {
    const { codec, keys, users, devices, revocations } = this.parts;
    const now = this.options.clock.now();
    const header = codec.readHeader(token, 'access');
    checkHeader(header, true);
    const key = await keys.find(header);
    const payload = codec.openWith(key, token);
    const claims = codec.readAccess(payload, now);
    const found = revocations?.sessionOf(token, claims, payload.iat as number, now) ?? tokenSessionOf(claims);
    const session = found instanceof Promise ? await found : found;
    devices.requireKey(session, { use: 'access', accessToken: token, presenter });
    return { user: await users.find(claims), session, claims: claims.custom };
  }
}
