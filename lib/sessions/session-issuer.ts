import { epochOf, type Moment } from '../contracts/clock';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { InvalidCredentialsError } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { cleanText, cleanPresenter, type Device, type Presenter, TEXT_LIMITS } from '../contracts/device';
import type { RegisteredSessionColumns } from '../contracts/registered-types';
import { type SessionKind, sessionRecord } from '../contracts/session';
import type { StorageTransaction } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { isUserId } from '../tokens/token-claims';
import { generateId, TokenKey } from '../tokens/token-key';
import { type Duration, millisecondsOf } from '../options/duration';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { Acting } from './actors';
import { firstAccessKey } from './access-keys';
import type { LoginArrival } from './login-arrivals';
import { DeviceCheck } from './device-check';
import { LoginReports } from './login-reports';
import { type NewSession, SessionInserter } from './session-inserter';
import { storedAudience } from './session-audience';
import { storedScopes } from '../contracts/scopes';
import { storedClaims } from './session-claims';
import type { BoundColumns } from './session-binding';
import { SessionTokens } from './session-tokens';
import { isActive } from './user-check';
import { RequestDeadline } from './request-deadline';

/** What one call of `issue` may set apart from the options. */
export interface IssueOverrides {
  /** When the user proved who they are. @default the arrival */
  authenticatedAt?: Moment | undefined;
  /**
   * Lifetime of this session, however often it is refreshed: in place of `session.idleTimeout`, and never past
   * `session.maxLifetime`. In single-token mode the idle timeout stays as it is.
   */
  ttl?: Duration | undefined;
  /**
   * What the access tokens of this session are for: some of the option `audience`, at every refresh too. A session that
   * is not for `ownAudience` opens nothing in this application. @default all of the option `audience`
   */
  audience?: string | readonly string[] | undefined;
  /**
   * Custom claims of this session's access tokens, at every refresh too, in place of what the option `claims` returns. Plain
   * data, as JSON stores it.
   */
  claims?: Record<string, unknown> | undefined;
  /**
   * What the session may do, such as `['orders:read', 'stock:*']` (RFC 6749 section 3.3); null: whatever its user may. No
   * refresh widens it. One that went missing must not become that: leave the member out. @default null
   */
  scopes?: readonly string[] | null;
  /** False: the session ends after `session.shortIdleTimeout` without use, or after a shorter `ttl`. @default true */
  remember?: boolean | undefined;
  /**
   * When the login began, where the proof took more than this request: what `TokenService.arrival` returned then. A login
   * that began before its user's sessions were ended all at once starts none. At most 24 hours old. @default now
   */
  arrival?: LoginArrival;
  /** Values of columns that your own session entity has beside the library's, by the names of its members. */
  columns?: RegisteredSessionColumns | undefined;
  /**
   * A transaction of yours that is under way, such as the `EntityManager` that TypeORM's `transaction` hands you: the session
   * becomes part of it, and nothing is left of it when that is rolled back. It counts, and is announced, once the
   * transaction has committed; that fails with what {@link TokenService.issue} throws for a login that came too late.
   */
  manager?: object;
}

/** A login whose user is known. */
export interface Login<User> {
  user: User;
  device: Device;
  arrival: LoginArrival;
  overrides: IssueOverrides;
  /** What was sent as the username, for the event of a failure. */
  username: string | null;
  /** The host's, which the session is to be part of. */
  transaction: StorageTransaction | null;
  kind: SessionKind;
  /** Who acts as the user, for an impersonation. */
  acting?: Acting;
  /** What the session is bound to, where that is known; by default, what its device shows. */
  bound?: BoundColumns | undefined;
}

/** Starts sessions: token keys, row, signed tokens. */
@Injectable()
export class SessionIssuer {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly tokens: SessionTokens,
    private readonly inserter: SessionInserter,
    private readonly reports: LoginReports,
    private readonly devices: DeviceCheck,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** Starts a session, and tells events and the user provider how it went: once it stands. */
  async start<User>(login: Login<User>, deadline: RequestDeadline): Promise<IssuedTokens<User>> {
    return this.reports.during(login, async () => {
      const { session, tokens } = await this.create(login, deadline);
      const { transaction } = login;
      if (transaction) {
        const deadlineOfCommit = () => new RequestDeadline(this.options.storageTimeout);
        const conclude = () => this.conclude(session, tokens, deadlineOfCommit());
        transaction.afterCommit(() => this.reports.during(login, conclude));
      } else {
        await this.reports.succeeded(session.record, tokens, deadline);
      }
      return tokens;
    });
  }

  /** Before credentials are looked at. @throws BindingError for a device whose login could not become a session */
  async admit(username: string | null, device: Presenter): Promise<void> {
    await this.reports.during({ username, device }, async () => this.devices.admitLogin(device));
  }

  /** After the host's transaction has committed; nothing where it undid this part of itself. */
  private async conclude(session: NewSession, tokens: IssuedTokens, deadline: RequestDeadline): Promise<void> {
    if (await deadline.run(() => this.inserter.confirmIfThere(session, deadline)))
      await this.reports.succeeded(session.record, tokens, deadline);
  }

  reportFailure(username: string | null, presenter: Presenter): void {
    this.reports.failed(username, presenter, 'credentials');
  }

  private async create<User>(login: Login<User>, deadline: RequestDeadline) {
    const { user, arrival, transaction, overrides } = login;
    const userId = this.idOf(user);
    if (this.users && !isActive(this.users, user)) throw new InvalidCredentialsError();
    const columns = this.inserter.columnsOf(overrides);
    const now = this.options.clock.now();
    const key = TokenKey.generate();
    const access = firstAccessKey(key, now);
    const refresh = login.kind === 'login' && this.options.refresh ? TokenKey.generate() : null;
    const digests = { ...access.change, refreshDigest: refresh?.digest() ?? null };
    const bound = login.bound ?? this.devices.atLogin({ presenter: login.device, user, kind: login.kind, now });
    const record = sessionRecord({ ...digests, ...this.descriptionOf(login, userId, now), ...bound });
    const keys = { session: key, access: access.key, refresh };
    // Signed before the row is written: claims that cannot be signed must not leave a session behind.
    const tokens = await deadline.run(() => this.tokens.sign({ record, user, keys, now }));
    const session = this.inserter.newSession({ record, columns, arrival }, transaction);
    await deadline.run(() => this.inserter.insert(session, deadline, transaction === null));
    return { session, tokens };
  }

  private idOf(user: unknown): string {
    const id = this.users ? this.users.getId(user) : String((user as { id?: unknown } | null)?.id);
    if (isUserId(id) && id !== 'undefined' && id !== 'null' && id !== '[object Object]') return id;
    throw new Error(
      `The user's id cannot be used: UserProvider.getId(user) must give a stable, non-empty text of at most ${TEXT_LIMITS.userId} characters without control characters.`,
    );
  }

  /** What the row says of the login, beside its keys. */
  private descriptionOf({ device, arrival, overrides, kind, acting }: Login<unknown>, userId: string, now: number) {
    const { session, clockMargin } = this.options;
    // The clock may have been set back since the arrival, or be behind that of the server which read it.
    const given = overrides.authenticatedAt;
    const authenticatedAt = given === undefined ? Math.min(arrival.at, now) : epochOf(given);
    if (Number.isNaN(authenticatedAt)) throw new TypeError('issue: authenticatedAt is not a valid date.');
    if (authenticatedAt > now + clockMargin) throw new TypeError('issue: authenticatedAt lies in the future.');
    const presenter = cleanPresenter(device, session.ipAddress);
    return {
      id: generateId(),
      realm: this.options.realm,
      userId,
      kind,
      ...acting,
      createdAt: now,
      authenticatedAt,
      ...(kind === 'login' ? this.lifetimesOf(overrides, now) : this.fixedLifetime(kind, overrides, now)),
      lastUsedAt: now,
      userAgent: presenter.userAgent,
      ipAddress: presenter.ip,
      deviceName: cleanText(device.deviceName, TEXT_LIMITS.deviceName),
      audience: storedAudience(this.options.audience, overrides.audience),
      claims: storedClaims(overrides.claims),
      scopes: 'scopes' in overrides && overrides.scopes !== null ? storedScopes('scopes', overrides.scopes) : null,
    };
  }

  /** What is decided here stays with the session: every refresh goes by its row. */
  private lifetimesOf({ ttl, remember }: IssueOverrides, now: number) {
    const { session, refresh } = this.options;
    const given = lifetimeGiven(ttl);
    const lifetime = Math.min(given ?? Infinity, session.maxLifetime);
    const standard = remember === false ? session.shortIdleTimeout : session.idleTimeout;
    // In single-token mode nothing renews the row: the last use says when it is idle.
    if (!refresh) return { idleTimeout: standard, maxExpiresAt: now + lifetime, expiresAt: now + lifetime };
    const idleTimeout = given === null || remember === false ? Math.min(standard, lifetime) : lifetime;
    return { idleTimeout, maxExpiresAt: now + lifetime, expiresAt: now + idleTimeout };
  }

  /** Of a session that nothing prolongs: it has one token, which ends with it. */
  private fixedLifetime(kind: SessionKind, { ttl }: IssueOverrides, now: number) {
    const { maxProgramLifetime, maxLifetime } = this.options.session;
    const longest = kind === 'program' ? maxProgramLifetime : maxLifetime;
    const expiresAt = now + Math.min(lifetimeGiven(ttl) ?? Infinity, longest);
    return { idleTimeout: null, maxExpiresAt: expiresAt, expiresAt };
  }
}

/** @throws TypeError for what is no duration */
function lifetimeGiven(ttl: Duration | undefined): number | null {
  if (ttl === undefined) return null;
  const given = millisecondsOf(ttl);
  if (given) return given;
  throw new TypeError("issue: ttl must be a duration of more than zero, such as '5m'.");
}
