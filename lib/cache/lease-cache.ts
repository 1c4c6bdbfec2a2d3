import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { JwtKnoxEvents } from '../contracts/events';
import { line } from '../contracts/log-line';
import { type FeedSetting, FeedSetupError } from '../contracts/revocation-feed';
import type { SessionRecord } from '../contracts/session';
import type { FoundSession } from '../contracts/session.repository';
import type { UserProvider } from '../contracts/user-provider';
import { type CacheState, type KnownUser, SessionCache } from '../sessions/session-cache';
import { isActive, validSinceOf } from '../sessions/user-check';
import type { AccessClaims } from '../tokens/token-claims';
import { sha256 } from '../tokens/token-key';
import { descriptionOf, type ResolvedCacheOptions } from './cache.options';
import { ClusterEvents } from './cluster-events';
import { type CacheCounts, feedChannel } from './diagnostics';
import { Echoes } from './echoes';
import { FeedLease } from './feed-lease';
import { loadLruCache, type LruMap } from './load-lru-cache';
import { announcementsIn, idsIn, type Notice, readNotice, writeNotice } from './notices';
import { SessionMemory } from './session-memory';
import { frozen } from './snapshot';

/** Memory under a lease: what was read may answer while the feed proves that nothing was told of it. */
export class LeaseCache extends SessionCache implements OnModuleInit, OnApplicationShutdown {
  readonly keepsUsers: boolean;
  private readonly logger = new Logger('JwtKnoxCache');
  private readonly counts: CacheCounts = { hits: 0, misses: 0, fills: 0, spoiled: 0, connects: 0, losses: 0 };
  private readonly memory: SessionMemory;
  private readonly lease: FeedLease;
  private readonly tokens: LruMap<AccessClaims>;
  private readonly echoes = new Echoes();
  private readonly cluster: ClusterEvents;
  private readonly interruptions = new Set<() => void>();
  private reports: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: ResolvedCacheOptions,
    setting: FeedSetting,
    private readonly events: JwtKnoxEvents,
    private readonly users?: UserProvider,
    place = '',
  ) {
    super();
    this.keepsUsers = options.keepsUsers && users !== undefined;
    this.memory = new SessionMemory(options, this.counts);
    this.tokens = new (loadLruCache())<AccessClaims>({ max: options.maxEntries });
    this.lease = new FeedLease(options.feed, setting, this, this.counts);
    this.cluster = new ClusterEvents(events, place, (notice) => this.lease.announce(writeNotice(notice)));
  }

  async onModuleInit(): Promise<void> {
    try {
      await this.lease.start();
    } catch (error) {
      if (error instanceof FeedSetupError) throw new JwtKnoxConfigurationError([error.message], 'leaseCache');
      throw error;
    }
    this.logger.log(line('cache-started', descriptionOf(this.options, this.keepsUsers)));
    if (this.options.events === 'cluster') this.cluster.start();
    this.reports = setInterval(() => this.report(), 1_000).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.reports);
    this.cluster.stop();
    this.lease.stop();
    this.memory.forgetAll();
  }

  claimsOf(token: string): AccessClaims | undefined {
    return this.tokens.get(sha256(token, 'base64url'));
  }

  keepClaims(token: string, claims: AccessClaims): void {
    if (!this.options.keeps) return;
    // Requests with the same token share them, as deep as they go.
    frozen(claims.custom, 'claims');
    this.tokens.set(sha256(token, 'base64url'), claims);
  }

  recall(sessionId: string, generation: number): SessionRecord | undefined {
    const record = this.memory.session(sessionId);
    return record && record.generation >= generation && this.lease.isFresh ? record : undefined;
  }

  noteAnswer(isRecalled: boolean): void {
    if (isRecalled) this.counts.hits++;
    else this.counts.misses++;
  }

  recallUser(userId: string): KnownUser | undefined {
    return this.lease.isFresh ? this.memory.user(userId) : undefined;
  }

  findUser(userId: string, find: () => Promise<unknown>): Promise<unknown> {
    if (!this.mayKeep) return find();
    return this.memory.readUser(userId, find, (user) => this.known(userId, user));
  }

  snapshotOf(user: unknown): unknown {
    const snapshot: unknown = this.users!.snapshot(user);
    if (typeof snapshot === 'object' && snapshot !== null) return frozen(snapshot);
    throw new TypeError('UserProvider.snapshot must return an object: what of the user may be kept in memory.');
  }

  findSession(id: string, find: () => Promise<FoundSession | null>): Promise<FoundSession | null> {
    return this.mayKeep ? this.memory.readSession(id, find) : find();
  }

  touched(id: string, generation: number, lastUsedAt: number): void {
    this.memory.touched(id, generation, lastUsedAt);
  }

  /** The row changed in what no other instance must know at once. */
  changedHere(id: string): void {
    this.memory.forgetSession(id);
  }

  /**
   * Carries an end or a change out, and resolves when no instance answers from before it: also when nothing went, since
   * somebody else's end of the same may not be over yet.
   * @param notice what it is about, for a feed that does not hear of it from the storage
   */
  async ending<T extends boolean | number>(notice: Notice, work: () => Promise<T>): Promise<T> {
    const echo = this.options.feed.isLocal ? undefined : this.echoes.await(idsIn(notice));
    try {
      const answer = await this.announcing(notice, work);
      await this.lease.outlast();
      if (answer && echo && !echo.isHeard && this.lease.isFresh) throw new Error(UNHEARD);
      return answer;
    } finally {
      echo?.stop();
    }
  }

  /** The same without waiting: for what nobody is told of at once, such as sessions above a limit that the purge ends. */
  async announcing<T>(notice: Notice, work: () => Promise<T>): Promise<T> {
    const answer = await work()
      .catch((error: unknown) => this.doubt(notice, error))
      .finally(() => this.heard(notice));
    await this.tellOthers(notice);
    return answer;
  }

  private async tellOthers(notice: Notice): Promise<void> {
    // Ends are told in this process by whoever makes them; of changes, listeners hear as from a feed.
    if (this.options.feed.isLocal) this.publish({ changed: notice.changed ?? [] });
    else if (!this.options.feed.isAnnouncedByStorage) await this.announce(notice);
  }

  async settled(sessionId?: string): Promise<void> {
    // Who ended it may have died, or failed, before others were told.
    if (sessionId !== undefined) await this.tellOthers({ changed: [sessionId] });
    await this.lease.outlast();
  }

  async userChanged(userId: string): Promise<void> {
    const notice = { user: userId };
    this.heard(notice);
    await this.announce(notice);
    await this.lease.outlast();
  }

  received(text: string): void {
    const notice = readNotice(text);
    if (!notice) return this.interrupted();
    if (notice.event) this.cluster.received(notice.event);
    if (notice.scope || notice.ended || notice.changed) this.echoes.hear(idsIn(notice));
    this.heard(notice);
    this.publish(notice);
  }

  interrupted(): void {
    this.echoes.hearAll();
    this.memory.forgetAll();
    for (const listener of this.interruptions) listener();
  }

  get heardUntil(): number {
    return this.lease.heardUntil;
  }

  onInterrupted(listener: () => void): () => void {
    this.interruptions.add(listener);
    return () => void this.interruptions.delete(listener);
  }

  private get mayKeep(): boolean {
    return this.options.keeps && this.lease.isConnected;
  }

  private heard({ ended = [], changed = [], scope, user }: Notice): void {
    for (const id of ended) this.memory.forgetSession(id);
    for (const id of changed) this.memory.forgetSession(id);
    if (scope) this.memory.forgetScope(scope);
    if (user !== undefined) this.memory.forgetUser(user);
  }

  /** Whether a statement that failed was carried out, nobody knows: others are told, and whoever asked learns of the failure. */
  private doubt(notice: Notice, error: unknown): never {
    this.tellOthers(notice).catch(() => undefined);
    throw error;
  }

  /** What one attempt did not tell is told later, as long as anybody may remember; who asked is told of the failure. */
  async announce(notice: Notice): Promise<void> {
    const text = writeNotice(notice);
    try {
      await this.lease.announce(text);
    } catch (error) {
      this.retry(text, performance.now() + this.options.maxAge);
      throw error;
    }
  }

  private retry(text: string, until: number): void {
    if (performance.now() > until) return;
    setTimeout(() => this.lease.announce(text).catch(() => this.retry(text, until)), 500).unref();
  }

  private known(userId: string, user: unknown): KnownUser | undefined {
    const { users } = this;
    if (user === null || user === undefined || users!.getId(user) !== userId || !isActive(users!, user))
      return undefined;
    return { user: this.snapshotOf(user), validSince: validSinceOf(users!, user) };
  }

  private publish(notice: Notice): void {
    for (const told of announcementsIn(notice)) this.events.emit('session.announced', told);
  }

  private report(): void {
    if (!feedChannel.isHeard) return;
    const { isFresh: fresh } = this.lease;
    feedChannel.publish({ type: 'counts', fresh, ...this.counts, ...this.state });
  }

  get state(): CacheState {
    return { ...this.counts, sessions: this.memory.size, feedAge: this.lease.age };
  }
}

const UNHEARD =
  'The session ended, but nobody was told: is the trigger of announceRevocations() in place, and the feed on the same database?';
