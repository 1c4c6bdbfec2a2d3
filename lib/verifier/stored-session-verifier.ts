import type { Presenter } from '../contracts/device';
import { sessionOf } from '../contracts/session';
import type { JwtCodec } from '../tokens/jwt-codec';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import type { TokenRejections } from '../sessions/rejections';
import type { Authentication, SessionChecker } from '../sessions/session-checker';
import { RequestDeadline } from '../sessions/request-deadline';
import { TokenVerifier } from '../sessions/token-verifier';

/** Mode `shared-database`: both locks, by the issuer's own table. Reads only: a session's use is not noted. */
export class StoredSessionVerifier extends TokenVerifier {
  constructor(
    private readonly options: ResolvedVerifierOptions,
    private readonly codec: JwtCodec,
    private readonly validity: SessionChecker,
    rejections: TokenRejections,
  ) {
    super(rejections);
  }

  protected async check(token: string, presenter?: Presenter): Promise<Authentication> {
    const now = this.options.clock.now();
    const payload = this.codec.verify(token, this.codec.keyFor(token, 'access').verifying);
    const claims = this.codec.readAccess(payload, now);
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const { record, user } = await deadline.run(() => this.validity.authenticate(claims, now));
    this.validity.checkPresenter(record, presenter);
    return { user, session: sessionOf(record), claims: claims.custom };
  }
}
