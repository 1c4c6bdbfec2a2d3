import { epochOf, type Moment } from '../contracts/clock';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { InvalidCredentialsError, SessionLimitReachedError, StorageUnavailableError } from '../contracts/errors';
import { JwtKnoxEvents, type LoginFailure } from '../contracts/events';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { cleanText, cleanPresenter, type Device, isSameDevice, type Presenter, TEXT_LIMITS } from '../contracts/device';
import { type SessionRecord, sessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { ALL_USERS, fenceScope } from '../tokens/fence-scope';
import { isUserId } from '../tokens/token-claims';
import { generateId, TokenKey } from '../tokens/token-key';
import { type Duration, millisecondsOf } from '../options/duration';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { firstAccessKey } from './access-keys';
import type { LoginArrival } from './login-arrivals';
import { type Displaced, SessionLimiter } from './session-limiter';
import { storedAudience } from './session-audience';
import { storedClaims } from './session-claims';
import { SessionTokens } from './session-tokens';
import { isActive } from './session-checker';
import { fromStorage, type RequestDeadline } from './request-deadline';

/** What one call of `issue` may set apart from the options. */
export interface IssueOverrides {
  /** When the user proved who they are. @default the arrival */
  authenticatedAt?: Moment;
  /**
   * Lifetime of this session, however often it is refreshed: in place of `session.idleTimeout`, and never past
   * `session.maxLifetime`. In single-token mode the idle timeout stays as it is.
   */
  ttl?: Duration;
  /**
   * What the access tokens of this session are for: some of the option `audience`, at every refresh too. A session that
   * is not for `ownAudience` opens nothing in this application. @default all of the option `audience`
   */
  audience?: string | readonly string[];
  /**
   * Custom claims of this session's access tokens, at every refresh too, in place of what the option `claims` returns. Plain
   * data, as JSON stores it.
   */
  claims?: Record<string, unknown>;
  /** False: the session ends after `session.shortIdleTimeout` without use, or after a shorter `ttl`. @default true */
  remember?: boolean;
  /**
   * When the login began, where the proof took more than this request: what `TokenService.arrival` returned then. A login
   * that began before its user's sessions were ended all at once starts none. At most 24 hours old. @default now
   */
  arrival?: LoginArrival;
}

/** A login whose user is known. */
export interface Login<User> {
  user: User;
  device: Device;
  arrival: LoginArrival;
  overrides: IssueOverrides;
  /** What was sent as the username, for the event of a failure. */
  username: string | null;
}

/** Starts sessions: token keys, row, signed tokens. */
@Injectable()
export class SessionIssuer {
  private readonly logger = new Logger(SessionIssuer.name);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly tokens: SessionTokens,
    private readonly repository: SessionRepository,
    private readonly limiter: SessionLimiter,
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** Starts a session, and tells events and the user provider how it went. */
  async start<User>(login: Login<User>, deadline: RequestDeadline): Promise<IssuedTokens<User>> {
    const { user, device, username } = login;
    let tokens: IssuedTokens<User>;
    try {
      tokens = await this.create(login, deadline);
    } catch (error) {
      const reason = failureOf(error);
      if (reason) this.reportFailure(username, device, reason);
      throw error;
    }
    const noted = async () => this.users?.onLogin(user, tokens.session);
    await deadline.run(noted).catch((error: unknown) => {
      this.logger.error(`UserProvider.onLogin failed: ${error instanceof Error ? error.message : 'unknown error'}`);
    });
    return tokens;
  }

  reportFailure(username: string | null, presenter: Presenter, reason: LoginFailure): void {
    this.events.emit('login.failed', {
      username,
      presenter: cleanPresenter(presenter, this.options.session.ipAddress),
      reason,
    });
  }

  private async create<User>(login: Login<User>, deadline: RequestDeadline): Promise<IssuedTokens<User>> {
    const { user, arrival } = login;
    const userId = this.idOf(user);
    if (this.users && !isActive(this.users, user)) throw new InvalidCredentialsError();
    const now = this.options.clock.now();
    const session = TokenKey.generate();
    const access = firstAccessKey(session, now);
    const refresh = this.options.refresh && TokenKey.generate();
    const digests = { ...access.change, refreshDigest: refresh?.digest() ?? null };
    const record = sessionRecord({ ...digests, ...this.descriptionOf(login, userId, now) });
    const keys = { session, access: access.key, refresh };
    // Signed before the row is written: claims that cannot be signed must not leave a session behind.
    const tokens = await deadline.run(() => this.tokens.sign({ record, user, keys, now }));
    await deadline.run(() => this.store(record, arrival, deadline));
    const isNewDevice = () => this.isNewDevice(record);
    this.events.emit('session.created', { session: tokens.session, user, isNewDevice });
    return tokens;
  }

  private idOf(user: unknown): string {
    const id = this.users ? this.users.getId(user) : String((user as { id?: unknown } | null)?.id);
    if (isUserId(id) && id !== 'undefined' && id !== 'null' && id !== '[object Object]') return id;
    throw new Error(
      `The user's id cannot be used: UserProvider.getId(user) must give a stable, non-empty text of at most ${TEXT_LIMITS.userId} characters without control characters.`,
    );
  }

  /** What the row says of the login, beside its keys. */
  private descriptionOf({ device, arrival, overrides }: Login<unknown>, userId: string, now: number) {
    const { session, clockMargin } = this.options;
    // The clock may have been set back since the arrival, or be behind that of the server which read it.
    const given = overrides.authenticatedAt;
    const authenticatedAt = given === undefined ? Math.min(arrival.at, now) : epochOf(given);
    if (Number.isNaN(authenticatedAt)) throw new TypeError('issue: authenticatedAt is not a valid date.');
    if (authenticatedAt > now + clockMargin) throw new TypeError('issue: authenticatedAt lies in the future.');
    const presenter = cleanPresenter(device, session.ipAddress);
    return {
      id: generateId(),
      userId,
      createdAt: now,
      authenticatedAt,
      ...this.lifetimesOf(overrides, now),
      lastUsedAt: now,
      userAgent: presenter.userAgent,
      ipAddress: presenter.ip,
      deviceName: cleanText(device.deviceName, TEXT_LIMITS.deviceName),
      audience: storedAudience(this.options.audience, overrides.audience),
      claims: storedClaims(overrides.claims),
    };
  }

  /** What is decided here stays with the session: every refresh goes by its row. */
  private lifetimesOf({ ttl, remember }: IssueOverrides, now: number) {
    const { session, refresh } = this.options;
    const given = ttl === undefined ? null : millisecondsOf(ttl);
    if (ttl !== undefined && !given) {
      throw new TypeError("issue: ttl must be a duration of more than zero, such as '5m'.");
    }
    const lifetime = Math.min(given ?? Infinity, session.maxLifetime);
    const standard = remember === false ? session.shortIdleTimeout : session.idleTimeout;
    // In single-token mode nothing renews the row: the last use says when it is idle.
    if (!refresh) return { idleTimeout: standard, maxExpiresAt: now + lifetime, expiresAt: now + lifetime };
    const idleTimeout = given === null || remember === false ? Math.min(standard, lifetime) : lifetime;
    return { idleTimeout, maxExpiresAt: now + lifetime, expiresAt: now + idleTimeout };
  }

  /** Inserts the row, then looks at the fences: whichever came first of a fence and the row, one sees the other. */
  private async store(record: SessionRecord, arrival: LoginArrival, deadline: RequestDeadline): Promise<void> {
    const scopes = [fenceScope(record.realm, record.userId), ALL_USERS];
    const throwIfFencedOrLate = async () => {
      if (await fromStorage(() => this.repository.isFenced(scopes, arrival.counter))) throw new FencedLogin();
      // The client was told 503 while the statements were under way.
      deadline.throwIfPassed();
    };
    let displaced: Displaced | undefined;
    try {
      displaced = await fromStorage(() => this.limiter.place(record, deadline, throwIfFencedOrLate));
      await throwIfFencedOrLate();
    } catch (error) {
      // A broken connection leaves open whether the row was written; nobody holds its tokens.
      if (displaced || error instanceof StorageUnavailableError) await this.takeBack(record, displaced, error);
      throw error;
    }
    this.limiter.settle(record, displaced);
  }

  private async takeBack(record: SessionRecord, displaced: Displaced | undefined, cause: unknown): Promise<void> {
    const gone = this.discard(record).then(() => displaced && this.limiter.undo(displaced));
    // A fenced login is answered when its row is gone; one that is late has had its answer.
    if (cause instanceof FencedLogin) await gone;
    else gone.catch(() => undefined);
  }

  /** Deletes a session whose tokens nobody got; what broke the login may last a while, so this tries for some time. */
  private async discard(record: SessionRecord): Promise<void> {
    for (const wait of [0, 100, 400, 1_600, 6_400, 25_600]) {
      await delay(wait, undefined, { ref: false });
      const isGone = fromStorage(() => this.repository.deleteById(record.id)).then(() => true);
      if (await isGone.catch(() => false)) return;
    }
    this.logger.error(`Session ${record.id}, whose login failed, could not be deleted; it ends by itself.`);
  }

  private async isNewDevice({ id, userId, userAgent, createdAt }: SessionRecord): Promise<boolean> {
    const before = { createdAt, id };
    const earlier = await fromStorage(() => this.repository.findByUser(userId, { limit: 100, before }));
    return !earlier.some((other) => isSameDevice(other.userAgent, userAgent));
  }
}

/** A login that began before the end of all sessions of its user: to a client, credentials that do not count. */
class FencedLogin extends InvalidCredentialsError {}

function failureOf(error: unknown): LoginFailure | null {
  if (error instanceof FencedLogin) return 'fenced';
  if (error instanceof InvalidCredentialsError) return 'inactive';
  return error instanceof SessionLimitReachedError ? 'session_limit' : null;
}
