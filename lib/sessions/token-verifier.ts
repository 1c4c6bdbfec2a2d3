import type { Presenter } from '../contracts/device';
import type { TokenSession } from '../contracts/session';
import type { TokenRejections } from './rejections';
import type { Authentication } from './session-checker';

/**
 * Authenticates access tokens: by the row of the session, or as a service that the issuer runs elsewhere can. Inject it
 * where there is no `TokenService`.
 * @example
 * const { user } = await app.get(TokenVerifier).authenticate(token);
 */
export abstract class TokenVerifier<User = any, KnownSession extends TokenSession = TokenSession> {
  protected constructor(protected readonly rejections: TokenRejections) {}

  /**
   * Who presents this token, in which session: for guards, and for WebSocket handshakes, RPC and jobs.
   * @throws InvalidTokenError, TokenExpiredError, IssuerUnavailableError, StorageUnavailableError
   */
  async authenticate(token: string, presenter?: Presenter): Promise<Authentication<User, KnownSession>> {
    try {
      return await this.check(token, presenter);
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** @throws TokenRejection, or a 503 */
  protected abstract check(token: string, presenter?: Presenter): Promise<Authentication<User, KnownSession>>;
}
