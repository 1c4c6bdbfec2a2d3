import type { Presenter } from '../contracts/device';
import type { TokenSession } from '../contracts/session';
import type { JwtCodec } from '../tokens/jwt-codec';
import { checkHeader } from '../tokens/published-keys';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import type { DeviceCheck } from '../sessions/device-check';
import type { TokenRejections } from '../sessions/rejections';
import type { Authentication } from '../sessions/session-checker';
import { TokenVerifier } from '../sessions/token-verifier';
import type { IssuerAnswers } from './issuer-answers';
import type { LocalUsers } from './local-users';

/** What a token is judged by, and whose it is. */
interface IntrospectionParts {
  readonly codec: JwtCodec;
  readonly answers: IssuerAnswers;
  readonly users: LocalUsers;
  readonly devices: DeviceCheck;
}

/** Mode `introspect`: both locks, at the issuer. What no issuer could have made is refused without asking. */
export class IntrospectionVerifier extends TokenVerifier {
  constructor(
    private readonly options: ResolvedVerifierOptions,
    private readonly parts: IntrospectionParts,
    rejections: TokenRejections,
  ) {
    super(rejections);
  }

  protected async check(token: string, presenter?: Presenter): Promise<Authentication<any, TokenSession>> {
    const { codec, answers, users, devices } = this.parts;
    const now = this.options.clock.now();
    checkHeader(codec.readHeader(token, 'access'), false);
    // Counts only once the issuer has said that the token, as it stands, is its own.
    const claims = codec.readUnverified(token, now);
    const session = await answers.sessionOf(token, claims, now);
    devices.requireKey(session, { use: 'access', accessToken: token, presenter });
    return { user: await users.find(claims), session, claims: claims.custom };
  }
}
