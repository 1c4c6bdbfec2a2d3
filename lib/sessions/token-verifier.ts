import type { Presenter } from '../contracts/device';
import type { TokenSession } from '../contracts/session';
import type { TokenRejections } from './rejections';
import type { Authentication } from './session-checker';

/** Judges access tokens that another application issued. What `JwtKnoxVerifierModule` has in place of a TokenService. */
export abstract class TokenVerifier<User = any> {
  protected constructor(private readonly rejections: TokenRejections) {}

  /**
   * Who presents this token, in which session: for guards, and for WebSocket handshakes, RPC and jobs.
   * @throws InvalidTokenError, TokenExpiredError, IssuerUnavailableError, StorageUnavailableError
   */
  async authenticate(token: string, presenter?: Presenter): Promise<Authentication<User, TokenSession>> {
    try {
      return await this.check(token, presenter);
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** @throws TokenRejection, or a 503 */
  protected abstract check(token: string, presenter?: Presenter): Promise<Authentication<User, TokenSession>>;
}
