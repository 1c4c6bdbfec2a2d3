import type { KeyObject } from 'node:crypto';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { InvalidCredentialsError, MissingTokenError, TokenExpiredError } from '../contracts/errors';
import type { RevocationReason } from '../contracts/events';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { type Device, type Presenter, type Session, sessionOf } from '../contracts/session';
import { type SessionQuery, SessionRepository } from '../contracts/session.repository';
import { type Credentials, UserProvider } from '../contracts/user-provider';
import { JwtCodec } from '../crypto/jwt-codec';
import { Keyring } from '../crypto/keyring';
import type { PublicKeySet } from '../crypto/public-jwk';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { type Introspection, IntrospectionService } from './introspection.service';
import { Refusals } from './refusals';
import { type IssueOverrides, SessionIssuer } from './session-issuer';
import { SessionRefresher } from './session-refresher';
import { requireId, SessionRevoker } from './session-revoker';
import { type Authentication, SessionValidity } from './session-validity';
import { hostCall, storageCall, StorageDeadline } from './storage-deadline';

/**
 * Everything a host does with sessions and tokens. Any method may throw a `StorageUnavailableError` (503) when the
 * storage fails or does not answer within `storageTimeout`.
 */
@Injectable()
export class TokenService<User = any> {
  private readonly newDeadline = () => new StorageDeadline(this.options.storageTimeout);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly codec: JwtCodec,
    private readonly repository: SessionRepository,
    private readonly issuer: SessionIssuer,
    private readonly validity: SessionValidity,
    private readonly refresher: SessionRefresher,
    private readonly revoker: SessionRevoker,
    private readonly refusals: Refusals,
    private readonly introspection: IntrospectionService,
    private readonly keyring: Keyring,
    @Optional() private readonly users?: UserProvider<User>,
  ) {}

  /**
   * Checks credentials with the host's user provider and starts a session.
   * @throws InvalidCredentialsError for an unknown user, a wrong password and a disabled user alike
   * @throws SessionLimitReachedError
   */
  async login(credentials: Credentials, device: Device, request: unknown): Promise<IssuedTokens<User>> {
    const arrival = this.options.clock.now();
    const deadline = this.newDeadline();
    const { users } = this;
    if (!users)
      throw new Error(
        'TokenService.login needs a userProvider; use TokenService.issue for users you authenticated yourself.',
      );
    const check = () => users.validateCredentials(credentials, request, (work) => deadline.exclude(work));
    const user = await deadline.run(() => hostCall(check));
    if (!user) {
      this.issuer.reportFailure(credentials.username, device, 'credentials');
      throw new InvalidCredentialsError();
    }
    return this.issuer.start(user, device, arrival, deadline, {}, credentials.username);
  }

  /**
   * Starts a session for a user whom the host has authenticated by its own means (OAuth callback, passkey, login guard).
   * @throws InvalidCredentialsError when the user is not active
   * @throws SessionLimitReachedError
   */
  async issue(user: User, device: Device = {}, overrides: IssueOverrides = {}): Promise<IssuedTokens<User>> {
    return this.issuer.start(user, device, this.options.clock.now(), this.newDeadline(), overrides, null);
  }

  /**
   * Authenticates an access token outside of a guard: WebSocket handshakes, RPC, jobs. Without `presenter` the
   * user-agent is not checked.
   * @throws InvalidTokenError, TokenExpiredError
   */
  async authenticate(
    token: string,
    presenter?: Presenter,
    deadline = this.newDeadline(),
  ): Promise<Authentication<User>> {
    try {
      return await this.authenticateClaims(this.codec.verify(token, this.keyFor(token)), presenter, deadline);
    } catch (error) {
      throw this.refusals.of(error, 'access', presenter);
    }
  }

  /** How the signature is to be checked. @internal for the Passport strategy */
  get verifyOptions(): JwtCodec['verifyOptions'] {
    return this.codec.verifyOptions;
  }

  /**
   * Steps 2 and 3 of authentication: the key that must have signed this access token.
   * @internal for the Passport strategy
   */
  keyFor(token: string): KeyObject {
    return this.codec.keyFor(token, 'access').verifying;
  }

  /**
   * Steps 5 to 10: from the payload of a token whose signature holds to its session and user.
   * @internal for the Passport strategy
   */
  async authenticateClaims(
    payload: unknown,
    presenter?: Presenter,
    deadline = this.newDeadline(),
  ): Promise<Authentication<User>> {
    const now = this.options.clock.now();
    const claims = this.codec.readAccess(payload, now);
    const { record, user } = await deadline.run(() =>
      this.validity.find(claims, now, (row) => claims.tokenKey.matches(row.accessDigest)),
    );
    this.validity.checkPresenter(record, presenter);
    this.validity.touch(record, claims.generation, now);
    return { user, session: sessionOf(record), claims: claims.custom };
  }

  /**
   * Whether an access or refresh token is good, and what it says (RFC 7662). Changes nothing: a token that was asked
   * about was not used.
   */
  async introspect(token: string): Promise<Introspection> {
    return this.introspection.introspect(token);
  }

  /** The public keys, for whoever verifies tokens without asking; no secret ones. */
  publicKeys(): PublicKeySet {
    return this.keyring.publicKeys;
  }

  /** What an access token says, its key redacted. @internal for the debug route */
  show(token: string): Record<string, unknown> {
    return this.codec.show(token);
  }

  /**
   * Renews a session: a new access token and, unless `rotate` is off or it was just rotated, the next refresh token.
   * @throws InvalidRefreshTokenError, RefreshTokenExpiredError
   * @throws RefreshTokenReusedError for a replay, which also ends the session
   */
  async refresh(refreshToken: string, presenter?: Presenter): Promise<IssuedTokens<User>> {
    const now = this.options.clock.now();
    const deadline = this.newDeadline();
    const refresh = () => this.refresher.refresh(refreshToken, presenter, now, deadline);
    return this.withRefreshToken(presenter, refresh, deadline);
  }

  /**
   * Ends the session of an access token or, when there is none or it has expired, of a refresh token.
   * @throws MissingTokenError, InvalidTokenError, InvalidRefreshTokenError, RefreshTokenExpiredError
   */
  async logout(accessToken: string | null, refreshToken: string | null, presenter: Presenter): Promise<void> {
    const deadline = this.newDeadline();
    const { id, userId } = await this.sessionToEnd(accessToken, refreshToken, presenter, deadline);
    await this.revoker.one(id, userId, 'logout', deadline);
  }

  /**
   * Moves a session's `authenticatedAt` on, after the user proved their credentials again. False when it has
   * ended, or its proof is as late already.
   */
  async reauthenticate(session: Pick<Session, 'id'>, at: Date = new Date(this.options.clock.now())): Promise<boolean> {
    requireId(session.id);
    const moment = at.getTime();
    if (Number.isNaN(moment)) throw new TypeError('reauthenticate: not a valid date.');
    return this.newDeadline().run(() => storageCall(() => this.repository.reauthenticate(session.id, moment)));
  }

  /**
   * Ends one session; of this user only, where `userId` is given. False when there is no such session.
   * When this resolves, no instance of the application accepts the session.
   */
  async revoke(sessionId: string, userId?: string, reason: RevocationReason = 'revoked'): Promise<boolean> {
    return this.revoker.one(sessionId, userId, reason);
  }

  /** Ends all sessions of the user but this one; answers how many. */
  async revokeOther(session: Pick<Session, 'id' | 'userId'>): Promise<number> {
    return this.revoker.other(session);
  }

  /** Ends all sessions of a user, and tells `UserProvider.onRevokeAll`; answers how many. */
  async revokeAll(userId: string, reason: RevocationReason = 'logout_all'): Promise<number> {
    return this.revoker.all(userId, reason);
  }

  /** Ends every session created before a moment, of all users: after a backup was restored, or a secret leaked. */
  async revokeBefore(moment: Date): Promise<number> {
    return this.revoker.before(moment);
  }

  /** The live sessions of a user, newest first; at most 100 unless the query says otherwise. */
  async list(userId: string, query: SessionQuery = {}): Promise<Session[]> {
    const complete = { aliveAt: this.options.clock.now(), limit: 100, ...query };
    const find = () => storageCall(() => this.repository.findByUser(userId, complete));
    return (await this.newDeadline().run(find)).map(sessionOf);
  }

  private async sessionToEnd(
    access: string | null,
    refresh: string | null,
    presenter: Presenter,
    deadline: StorageDeadline,
  ) {
    if (access !== null) {
      try {
        return (await this.authenticate(access, presenter, deadline)).session;
      } catch (error) {
        if (refresh === null || !(error instanceof TokenExpiredError)) throw error;
      }
    }
    if (refresh === null) throw new MissingTokenError();
    const now = this.options.clock.now();
    const find = async () => this.refresher.findMembership(this.refresher.read(refresh, now), now);
    return this.withRefreshToken(presenter, find, deadline);
  }

  private async withRefreshToken<T>(
    presenter: Presenter | undefined,
    work: () => Promise<T>,
    deadline = this.newDeadline(),
  ): Promise<T> {
    try {
      return await deadline.run(work);
    } catch (error) {
      throw this.refusals.of(error, 'refresh', presenter);
    }
  }
}
