import { epochOf, type Moment } from '../contracts/clock';
import { Injectable } from '@nestjs/common';
import type { RevocationReason, SessionActor } from '../contracts/events';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Device, Presenter } from '../contracts/device';
import type { Session } from '../contracts/session';
import type { SessionQuery } from '../contracts/session.repository';
import type { Credentials } from '../contracts/user-provider';
import type { PublicKeySet } from '../tokens/jwk';
import { AccessTokenVerifier } from './access-token.verifier';
import { type Introspection, OAuthService, type IntrospectOptions } from './oauth.service';
import type { LoginArrival } from './login-arrivals';
import { Logins } from './logins';
import { Logouts } from './logouts';
import type { IssueOverrides } from './session-issuer';
import { SessionList } from './session-list';
import {
  type ActingSession,
  DelegatedSessions,
  type ImpersonationOrder,
  type ProgramTokenOrder,
} from './delegated-sessions';
import { type ChangeOptions, type CredentialsTarget, type RefreshOptions, SessionRenewals } from './session-renewals';
import { requireId, SessionRevoker } from './session-revoker';
import type { Authentication } from './session-checker';

/** Which session to end, and who asks for it. */
export interface RevokeOptions {
  /** Only if it is this user's. Must not be undefined when it is given. */
  userId?: string;
  /** For the event `session.revoked`. @default 'revoked' */
  reason?: RevocationReason | undefined;
  /** For the event `session.revoked`: who ends it; null there when left out. */
  actor?: SessionActor | undefined;
}

/**
 * Starts, checks, refreshes and ends sessions from your code. Any method may throw a `StorageUnavailableError` (503)
 * when the storage fails or does not answer within `storageTimeout`.
 * @example
 * constructor(private readonly tokens: TokenService<User>) {}
 */
@Injectable()
export class TokenService<User = any> {
  constructor(
    private readonly logins: Logins,
    private readonly logouts: Logouts,
    private readonly verifier: AccessTokenVerifier,
    private readonly renewals: SessionRenewals,
    private readonly revoker: SessionRevoker,
    private readonly sessions: SessionList,
    private readonly oauth: OAuthService,
    private readonly delegated: DelegatedSessions,
  ) {}

  /**
   * Checks credentials with your user provider and starts a session.
   * @throws InvalidCredentialsError for an unknown user, a wrong password and a disabled user alike, and for a login that
   * began before all sessions of its user were ended
   * @throws SessionLimitReachedError
   */
  async login(
    credentials: Credentials,
    device: Device,
    request: unknown,
    overrides: Pick<IssueOverrides, 'remember'> = {},
  ): Promise<IssuedTokens<User>> {
    return this.logins.login(credentials, device, request, overrides);
  }

  /**
   * Starts a session for a user whom you have authenticated by other means (OAuth callback, passkey, login guard). If
   * that takes more than one request, call {@link arrival} when it begins and pass what it returned.
   * @throws InvalidCredentialsError when the user is not active, or all their sessions were ended since the arrival
   * @throws SessionLimitReachedError
   * @throws TypeError for an arrival that is given and is none of the last 24 hours
   * @example
   * return tokenResponseBody(await this.tokens.issue(user, { userAgent: request.headers['user-agent'] }));
   */
  async issue(user: User, device: Device = {}, overrides: IssueOverrides = {}): Promise<IssuedTokens<User>> {
    return this.logins.issue(user, device, overrides);
  }

  /**
   * Notes when a login begins, for {@link issue}: before you look at anything that it proves. Keep it on the server, such
   * as beside the `state` of an OAuth redirect; it counts for 24 hours.
   * @example
   * const arrival = await tokens.arrival();
   * const user = await passkeys.verify(body);
   * return tokens.issue(user, device, { arrival });
   */
  async arrival(): Promise<LoginArrival> {
    return this.logins.arrival();
  }

  /**
   * Authenticates an access token outside of a guard: WebSocket handshakes, RPC, jobs. Without `presenter` the
   * user-agent is not checked.
   * @throws InvalidTokenError, TokenExpiredError
   * @example
   * const { user, session } = await this.tokens.authenticate(token);
   */
  async authenticate(token: string, presenter?: Presenter): Promise<Authentication<User>> {
    return this.verifier.authenticate(token, presenter);
  }

  /**
   * Renews a session: a new access token and, unless `rotate` is off or it was just rotated, the next refresh token.
   * @throws InvalidRefreshTokenError, RefreshTokenExpiredError, InvalidRequestError for an unfit `idempotencyKey`
   * @throws RefreshTokenReusedError for a replay, which also ends the session
   * @throws InvalidTargetError for a `resource` that the session is not for
   */
  async refresh(refreshToken: string, presenter?: Presenter, options?: RefreshOptions): Promise<IssuedTokens<User>> {
    return this.renewals.refresh(refreshToken, presenter, options);
  }

  /**
   * Ends the session of an access token or, when there is none, or it has expired or is not for this application, of a
   * refresh token. The proof of the key is enough: the session of a user who was disabled ends too.
   * @throws MissingTokenError, InvalidTokenError, InvalidRefreshTokenError, RefreshTokenExpiredError
   */
  async logout(accessToken: string | null, refreshToken: string | null, presenter: Presenter): Promise<void> {
    return this.logouts.logout({ access: accessToken, refresh: refreshToken }, presenter);
  }

  /**
   * After the user proved their credentials again: moves the session's `authenticatedAt` on and gives it new keys. Tokens
   * that were issued before, and copies of them, count no more (OWASP ASVS 5.0 V7.2.4).
   * @param options `at`: when the credentials were proven; now when left out
   * @returns the session's new tokens
   * @throws InvalidTokenError when the session has ended, or its user may not use it
   */
  async reauthenticate(
    session: Pick<Session, 'id' | 'userId'>,
    { at }: { at?: Moment | undefined } = {},
  ): Promise<IssuedTokens<User>> {
    return this.renewals.reauthenticate(session, at);
  }

  /**
   * Changes a user's credentials: runs `store`, which stores the new password hash (or passkey…), then ends all other
   * sessions of the user and logins that are under way with the old credentials, and gives this session new keys.
   * With `{ userId }` in place of the session, for a forgotten password, no session stays.
   * What `store` throws is thrown, and nothing ends. If it throws after `store` has run, the new credentials count already:
   * call it again.
   * @param options `programs: false`: tokens for programs go on
   * @returns the session's new tokens; null when no session stays, or this one has ended meanwhile
   * @example
   * const tokens = await this.tokens.changeCredentials(session, () => this.users.setPassword(userId, password));
   */
  async changeCredentials(
    target: CredentialsTarget,
    store: () => void | Promise<void>,
    options?: ChangeOptions,
  ): Promise<IssuedTokens<User> | null> {
    return this.renewals.changeCredentials(target, store, options);
  }

  /**
   * Ends one session; of this user only, where `userId` is given. False when there is no such session.
   * When this resolves, no instance of the application accepts the session.
   * @throws TypeError when `userId` is given and is no id: a missing one must not widen what ends
   */
  async revoke(sessionId: string, ...given: [only?: RevokeOptions]): Promise<boolean> {
    const [only = {}] = given;
    // A user id that went missing, in either spelling, must not become "of any user".
    const isMissing = (given.length > 0 && given[0] === undefined) || typeof only !== 'object';
    if (isMissing || 'userId' in only) requireId(only.userId);
    const userId = only.userId === undefined ? undefined : await this.revoker.spellingOf(only.userId);
    return this.revoker.one(sessionId, userId, { reason: only.reason ?? 'revoked', actor: only.actor });
  }

  /**
   * Takes rights from a session at once: from then on it may do what these scopes cover, and nothing else. Access tokens that
   * are out say their old scopes to services that do not ask, until they expire.
   * @param only `userId`: of this user only
   * @returns false when there is no such session
   * @throws TypeError for scopes that the session does not have: nothing widens a session
   * @example
   * await this.tokens.narrow(session.id, ['orders:read']);
   */
  async narrow(
    sessionId: string,
    scopes: readonly string[],
    only: Pick<RevokeOptions, 'userId'> = {},
  ): Promise<boolean> {
    if ('userId' in only) requireId(only.userId);
    return this.revoker.narrow(sessionId, scopes, only.userId);
  }

  /**
   * Makes a token for a program: a session that no browser holds, with one token that counts until it expires or is ended.
   * `accessToken` of what it returns is shown to the user once; there is no refresh token. It does not count for
   * `session.limitPerUser`, and `logout-other` leaves it.
   * @throws SessionLimitReachedError beyond `programTokens.limitPerUser`
   * @throws InvalidCredentialsError when the user is not active
   * @throws TypeError for a name, scopes or lifetime that are none
   * @example
   * const { accessToken } = await this.tokens.issueProgramToken(user, { name: 'CI', scopes: ['orders:read'], ttl: '90d' });
   */
  async issueProgramToken(user: User, order: ProgramTokenOrder, device: Device = {}): Promise<IssuedTokens<User>> {
    return this.delegated.forProgram(user, order, device);
  }

  /**
   * Lets staff act as a user, who sees it in the list of their sessions and can end it. It ends with the actor's own session
   * too, has no refresh token, counts for no limit, and may not reauthenticate, make tokens for programs or use admin routes.
   * Your code decides who may do that.
   * @param actor the actor's own login, from `@CurrentSession()`; it may be another realm's
   * @throws InvalidTokenError when the actor's session has ended, or is no login of their own
   * @throws InvalidCredentialsError when the user is not active
   * @throws TypeError without a reason, and for an actor of another realm without the option `isActorActive`
   * @example
   * const tokens = await this.tokens.impersonate(session, customer, { reason: 'Ticket 4711', ttl: '15m' });
   */
  async impersonate(actor: ActingSession, user: User, order: ImpersonationOrder): Promise<IssuedTokens<User>> {
    return this.delegated.forActor(actor, user, order);
  }

  /** Ends all sessions of the user but this one and tokens for programs; returns how many. */
  async revokeOther(session: Pick<Session, 'id' | 'userId'>): Promise<number> {
    const actor = { userId: session.userId, sessionId: session.id };
    return this.revoker.other(session, { reason: 'logout_other', actor });
  }

  /**
   * Ends all sessions of a user, and logins that are under way; returns how many sessions.
   * @param options `reason` is `logout_all` when left out
   * @example
   * await this.tokens.revokeAll(String(user.id));
   */
  async revokeAll(
    userId: string,
    { reason = 'logout_all', actor }: Omit<RevokeOptions, 'userId'> = {},
  ): Promise<number> {
    return this.revoker.all(userId, { reason, actor });
  }

  /**
   * Call it when a user is disabled or deleted: ends all their sessions, and logins that are under way. The guard asks
   * `UserProvider.isActive` as well, but only this makes sure that no session comes back when the user is enabled again.
   * @returns how many sessions ended
   */
  async userDisabled(userId: string, { actor }: Pick<RevokeOptions, 'actor'> = {}): Promise<number> {
    return this.revoker.all(userId, { reason: 'user_disabled', actor });
  }

  /**
   * Ends every session created before a moment, of all users, and all logins under way: after a backup was restored, or a
   * secret leaked. A moment of the last second means now: then every session ends that is there. Returns how many.
   */
  async revokeBefore(moment: Moment): Promise<number> {
    const before = epochOf(moment);
    if (Number.isNaN(before)) throw new TypeError('revokeBefore: not a valid date.');
    return this.revoker.before(before, { reason: 'revoked_before' });
  }

  /**
   * Resolves when no instance of the application accepts a session that had ended before this call: after SQL of your own
   * that deletes sessions, such as a cascade. At once without `leaseCache`, and where the storage announces nothing.
   * @example
   * await users.delete(id); // its sessions go with it
   * await this.tokens.settled();
   */
  async settled(): Promise<void> {
    return this.revoker.settled();
  }

  /**
   * Call it when a user changes, with `leaseCache({ users: … })`: when it resolves, no instance answers from what it knew of
   * them before. At once without a cache.
   */
  async userChanged(userId: string): Promise<void> {
    return this.revoker.userChanged(userId);
  }

  /** The live sessions of a user, newest first; at most 100 unless the query says otherwise. */
  async list(userId: string, query: SessionQuery = {}): Promise<Session[]> {
    return this.sessions.of(userId, query);
  }

  /**
   * Whether an access token (or a refresh token, with `refreshTokens`) is good, and what it says (RFC 7662). Changes
   * nothing: a token that was asked about was not used.
   * @example
   * const { active } = await this.tokens.introspect(token);
   */
  async introspect(token: string, options?: IntrospectOptions): Promise<Introspection> {
    return this.oauth.introspect(token, options);
  }

  /** The public keys, for whoever verifies tokens without asking; no secret ones. */
  publicKeys(): PublicKeySet {
    return this.oauth.publicKeys();
  }
}
