import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { InvalidCredentialsError, SessionLimitReachedError, StorageUnavailableError } from '../contracts/errors';
import { JwtKnoxEvents, type LoginFailure } from '../contracts/events';
import { IssuedTokens } from '../contracts/issued-tokens';
import {
  describe,
  describePresenter,
  type Device,
  type Presenter,
  type Session,
  type SessionRecord,
  sessionOf,
  TEXT_LIMITS,
} from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { isUserId, JwtCodec, RESERVED_CLAIMS } from '../crypto/jwt-codec';
import { generateId, TokenKey } from '../crypto/token-key';
import { type Duration, millisecondsOf } from '../options/duration';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { isActive } from './session-validity';
import { hostCall, storageCall, type StorageDeadline } from './storage-deadline';
import { SessionPlacement } from './session-placement';

/** What one call of `issue` may set apart from the options. */
export interface IssueOverrides {
  /** When the user proved who they are. @default now */
  authenticatedAt?: Date;
  /** Lifetime of this session, until its first refresh; never past `session.maxLifetime`. */
  ttl?: Duration;
  /** Custom claims of this access token, in place of what the option `claims` gives. */
  claims?: Record<string, unknown>;
}

/** The keys of one session, alive only while its tokens are made. */
interface SessionKeys {
  session: TokenKey;
  access: TokenKey;
  /** Null in single-token mode. */
  refresh: TokenKey | null;
}

/** Starts sessions: token keys, row, signed tokens. */
@Injectable()
export class SessionIssuer {
  private readonly logger = new Logger(SessionIssuer.name);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly codec: JwtCodec,
    private readonly repository: SessionRepository,
    private readonly placement: SessionPlacement,
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /**
   * Starts a session, and tells events and the user provider how it went.
   * @param arrival when the login request came in, epoch ms
   * @param username what was sent, for the event of a failure
   */
  async start<User>(
    user: User,
    device: Device,
    arrival: number,
    deadline: StorageDeadline,
    overrides: IssueOverrides,
    username: string | null,
  ): Promise<IssuedTokens<User>> {
    let tokens: IssuedTokens<User>;
    try {
      tokens = await this.create(user, device, arrival, deadline, overrides);
    } catch (error) {
      if (error instanceof InvalidCredentialsError) this.reportFailure(username, device, 'inactive');
      if (error instanceof SessionLimitReachedError) this.reportFailure(username, device, 'session_limit');
      throw error;
    }
    const noted = () => hostCall(() => this.users?.onLogin(user, tokens.session));
    await deadline.run(noted).catch((error: unknown) => {
      this.logger.error(`UserProvider.onLogin failed: ${error instanceof Error ? error.message : 'unknown error'}`);
    });
    return tokens;
  }

  reportFailure(username: string | null, presenter: Presenter, reason: LoginFailure): void {
    this.events.emit('login.failed', { username, presenter: describePresenter(presenter), reason });
  }

  private async create<User>(
    user: User,
    device: Device,
    arrival: number,
    deadline: StorageDeadline,
    overrides: IssueOverrides,
  ): Promise<IssuedTokens<User>> {
    const userId = this.idOf(user);
    if (this.users && !isActive(this.users, user)) throw new InvalidCredentialsError();
    const session = TokenKey.generate();
    const keys = { session, access: session.accessKey(), refresh: this.options.refresh && TokenKey.generate() };
    const record = this.recordOf(userId, keys, device, arrival, overrides);
    // Signed before the row is written: claims that cannot be signed must not leave a session behind.
    const tokens = await deadline.run(() => this.sign(record, user, keys, arrival, overrides.claims));
    await deadline.run(() => this.store(record, deadline));
    this.events.emit('session.created', { session: tokens.session, user });
    return tokens;
  }

  /** Signs the tokens of a row. @param now epoch ms */
  async sign<User>(
    record: SessionRecord,
    user: User,
    keys: SessionKeys,
    now: number,
    claims?: Record<string, unknown>,
  ): Promise<IssuedTokens<User>> {
    const session = sessionOf(record);
    const custom = await this.customClaims(user, session, claims);
    const accessExpiresAt = this.options.refresh
      ? Math.min(now + this.options.accessTtl, record.expiresAt)
      : record.expiresAt;
    const content = { userId: record.userId, sessionId: record.id, generation: record.generation, issuedAt: now };
    const access = this.codec.signAccess({ ...content, expiresAt: accessExpiresAt, tokenKey: keys.access }, custom);
    const lifetimes = { accessExpiresIn: wholeSeconds(now, accessExpiresAt) };
    if (!keys.refresh) return new IssuedTokens(session, user, lifetimes, access);
    const refresh = this.codec.signRefresh(
      { ...content, expiresAt: record.expiresAt, tokenKey: keys.refresh },
      keys.session,
    );
    const refreshExpiresIn = wholeSeconds(now, record.expiresAt);
    return new IssuedTokens(session, user, { ...lifetimes, refreshExpiresIn }, access, refresh);
  }

  private idOf(user: unknown): string {
    const id = this.users ? this.users.getId(user) : String((user as { id?: unknown } | null)?.id);
    if (isUserId(id) && id !== 'undefined' && id !== 'null' && id !== '[object Object]') return id;
    throw new Error(
      `The user's id cannot be used: UserProvider.getId(user) must give a stable, non-empty text of at most ${TEXT_LIMITS.userId} characters without control characters.`,
    );
  }

  private recordOf(
    userId: string,
    keys: SessionKeys,
    device: Device,
    arrival: number,
    overrides: IssueOverrides,
  ): SessionRecord {
    const authenticatedAt = overrides.authenticatedAt?.getTime() ?? arrival;
    if (Number.isNaN(authenticatedAt)) throw new TypeError('issue: authenticatedAt is not a valid date.');
    const ttl = overrides.ttl === undefined ? this.defaultTtl : millisecondsOf(overrides.ttl);
    if (!ttl) throw new TypeError("issue: ttl must be a duration of more than zero, such as '5m'.");
    return {
      id: generateId(),
      userId,
      accessDigest: keys.access.digest(),
      refreshDigest: keys.refresh?.digest() ?? null,
      previousRefreshDigest: null,
      refreshSalt: null,
      generation: 0,
      rotatedAt: null,
      createdAt: arrival,
      authenticatedAt,
      expiresAt: arrival + Math.min(ttl, this.options.session.maxLifetime),
      lastUsedAt: arrival,
      userAgent: describe(device.userAgent, TEXT_LIMITS.userAgent),
      ipAddress: describe(device.ip, TEXT_LIMITS.ipAddress),
      deviceName: describe(device.deviceName, TEXT_LIMITS.deviceName),
      slot: null,
    };
  }

  private get defaultTtl(): number {
    return this.options.refresh?.ttl ?? this.options.accessTtl;
  }

  private async store(record: SessionRecord, deadline: StorageDeadline): Promise<void> {
    try {
      await storageCall(() => this.placement.place(record, deadline));
    } catch (error) {
      // A broken connection leaves open whether the row was written; nobody holds its tokens.
      if (error instanceof StorageUnavailableError) void this.discard(record);
      throw error;
    }
    // The client was told 503 while the INSERT was under way.
    if (deadline.expired) void this.discard(record);
  }

  /** Deletes a session whose tokens nobody got; what broke the login may last a while, so this tries for some time. */
  private async discard(record: SessionRecord): Promise<void> {
    for (const wait of [0, 100, 400, 1_600, 6_400, 25_600]) {
      await delay(wait, undefined, { ref: false });
      const isGone = storageCall(() => this.repository.deleteById(record.id)).then(() => true);
      if (await isGone.catch(() => false)) return;
    }
    this.logger.error(
      `Session ${record.id}, whose login was answered with 503, could not be deleted; it ends by itself.`,
    );
  }

  private async customClaims(user: unknown, session: Session, claims: Record<string, unknown> | undefined) {
    const custom = claims ?? (await hostCall(() => this.options.claims?.(user, session))) ?? {};
    const reserved = Object.keys(custom).filter((name) => RESERVED_CLAIMS.has(name));
    if (reserved.length === 0) return custom;
    throw new Error(
      `Custom claims must not use the reserved ${reserved.join(', ')}: rename them, for example with your domain in front.`,
    );
  }
}

function wholeSeconds(from: number, to: number): number {
  return Math.floor(to / 1_000) - Math.floor(from / 1_000);
}
