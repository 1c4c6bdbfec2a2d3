import { AUTHENTICATE } from '../contracts/diagnostics';
import type { Presenter } from '../contracts/device';
import type { TokenSession } from '../contracts/session';
import type { TokenRejections } from './rejections';
import type { Authentication } from './session-checker';

/** How a token is to be verified. */
export interface HowToVerify {
  /** Whether the storage is to be asked, whatever a cache knows. @default false */
  authoritative?: boolean | undefined;
}

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
  authenticate(token: string, presenter?: Presenter, how?: HowToVerify): Promise<Authentication<User, KnownSession>> {
    if (!AUTHENTICATE.isHeard) return this.judge(token, presenter, how);
    const { options } = this.rejections;
    return AUTHENTICATE.trace(options, { isCached: false }, () => this.judge(token, presenter, how));
  }

  private async judge(
    token: string,
    presenter?: Presenter,
    how?: HowToVerify,
  ): Promise<Authentication<User, KnownSession>> {
    try {
      return await this.check(token, presenter, how);
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** Whether memory may answer in place of the storage. */
  get recalls(): boolean {
    return false;
  }

  /** The same at once, where memory may answer; undefined: ask {@link authenticate}. Refuses nobody. */
  recall(_token: string, _presenter?: Presenter): Authentication<User, KnownSession> | undefined {
    return undefined;
  }

  /** @throws TokenRejection, or a 503 */
  protected abstract check(
    token: string,
    presenter?: Presenter,
    how?: HowToVerify,
  ): Promise<Authentication<User, KnownSession>>;
}
