import type { Session } from './session';

/** The lifetimes are whole seconds, counted from now. */
export interface TokenLifetimes {
  accessExpiresIn: number;
  refreshExpiresIn?: number;
}

/**
 * The tokens of a login or refresh. This is the only moment they exist in plain text: they are read through getters, so
 * that logging or serializing the object shows none of them.
 * @example
 * const { accessToken, refreshToken, session } = await tokens.issue(user);
 */
export class IssuedTokens<User = any> {
  readonly #user: User;
  readonly #accessToken: string;
  readonly #refreshToken: string | undefined;
  /** Seconds until the access token expires. */
  readonly expiresIn: number;
  /** Seconds until the refresh token expires; undefined in single-token mode. */
  readonly refreshExpiresIn: number | undefined;

  constructor(
    readonly session: Session,
    user: User,
    lifetimes: TokenLifetimes,
    accessToken: string,
    refreshToken?: string,
  ) {
    this.#user = user;
    this.expiresIn = lifetimes.accessExpiresIn;
    this.refreshExpiresIn = lifetimes.refreshExpiresIn;
    this.#accessToken = accessToken;
    this.#refreshToken = refreshToken;
  }

  /** How the access token is sent (RFC 6750, RFC 9449): `DPoP` needs a proof of the device's key with each request. */
  get tokenType(): 'Bearer' | 'DPoP' {
    return this.session.boundKind === 'dpop' ? 'DPoP' : 'Bearer';
  }

  get user(): User {
    return this.#user;
  }

  get accessToken(): string {
    return this.#accessToken;
  }

  /** Undefined in single-token mode. */
  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }
}
