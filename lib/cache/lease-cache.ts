import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { Clock } from '../contracts/clock';
import type { JwtKnoxEvents } from '../contracts/events';
import { line } from '../contracts/log-line';
import { type FeedSetting, FeedSetupError } from '../contracts/revocation-feed';
import type { SessionRecord } from '../contracts/session';
import type { FoundSession } from '../contracts/session.repository';
import type { UserProvider } from '../contracts/user-provider';
import type { ResolvedOptions } from '../options/resolve-options';
import { type CacheState, type KnownUser, SessionCache } from '../sessions/session-cache';
import { endMemoryOf } from '../sessions/revocation-log';
import type { AccessClaims } from '../tokens/token-claims';
import { sha256 } from '../tokens/token-key';
import { descriptionOf, type ResolvedCacheOptions } from './cache.options';
import { ClusterEvents } from './cluster-events';
import { type CacheCounts, feedChannel } from './diagnostics';
import { Echoes } from './echoes';
import { FeedLease } from './feed-lease';
import { loadLruCache, type LruMap } from './load-lru-cache';
import { doubtOf, idsIn, type Notice, readNotice, writeNotice } from './notices';
import { SessionMemory } from './session-memory';
import { frozen, knownUser, snapshotOf } from './snapshot';
import { Teller } from './teller';

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
  readonly teller: Teller;
  readonly clock: Clock;
  private readonly interruptions = new Set<() => void>();
  private reports: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: ResolvedCacheOptions,
    setting: FeedSetting,
    events: JwtKnoxEvents,
    module: Pick<ResolvedOptions, 'clock' | 'accessTtl' | 'clockMargin'>,
    private readonly users?: UserProvider,
    place = '',
  ) {
    super();
    this.clock = module.clock;
    this.keepsUsers = options.keepsUsers && users !== undefined;
    const userRest = setting.database?.hasReplicas ? options.maxAge : 0;
    this.memory = new SessionMemory({ ...options, userRest }, this.counts);
    this.tokens = new (loadLruCache())<AccessClaims>({ max: options.maxEntries });
    this.lease = new FeedLease(options.feed, setting, this, this.counts);
    const send = (text: string) => this.lease.announce(text);
    this.cluster = new ClusterEvents(events, place, (notice) => send(writeNotice(notice)));
    this.teller = new Teller(options.feed, send, events, Math.max(options.maxAge, endMemoryOf(module)));
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
    this.teller.stop();
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
    return this.memory.readUser(userId, find, (user) => knownUser(this.users!, userId, user));
  }

  snapshotOf(user: unknown): unknown {
    return snapshotOf(this.users!, user);
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
   * @param isOver whether what is to end has ended, where nothing went
   */
  async ending<T extends boolean | number>(
    notice: Notice,
    work: () => Promise<T>,
    isOver?: () => Promise<boolean>,
  ): Promise<T> {
    const echo = this.options.feed.isLocal ? undefined : this.echoes.await(idsIn(notice));
    try {
      const answer = await this.announcing(notice, work, isOver);
      await this.lease.outlast();
      if (answer && echo && !echo.isHeard && this.lease.isFresh) throw new Error(UNHEARD);
      return answer;
    } finally {
      echo?.stop();
    }
  }

  /** The same without waiting: for what nobody is told of at once, such as sessions above a limit that the purge ends. */
  async announcing<T>(notice: Notice, work: () => Promise<T>, isOver = yes): Promise<T> {
    const since = this.clock.now();
    let answer: T;
    let told: Notice | null;
    try {
      answer = await work();
      const during = { ...notice, since };
      told = answer ? this.timed(during) : await this.leftOf(during, isOver);
    } catch (error) {
      // Whether it was carried out, nobody knows; who asked learns of the failure.
      this.teller.tell(doubtOf(notice)).catch(() => undefined);
      throw error;
    } finally {
      this.memory.forget(notice);
    }
    if (told) await this.teller.tell(told);
    return answer;
  }

  /** The same for what a transaction of the application's has carried out. */
  async committed(notice: Notice): Promise<void> {
    this.memory.forget(notice);
    await this.teller.tell(this.timed(notice));
    await this.lease.outlast();
  }

  /** What has ended by name stays so, whenever that was. */
  private timed(notice: Notice): Notice {
    return notice.ended ? { ended: notice.ended } : { ...notice, until: this.clock.now() };
  }

  /** Where nothing went: who ended it before may have died before others were told, but where the storage tells. */
  private async leftOf(notice: Notice, isOver: () => Promise<boolean>): Promise<Notice | null> {
    if (this.options.feed.isAnnouncedByStorage || !(await isOver())) return null;
    // Of an id that somebody made up, nobody is told that a session of it has ended.
    return notice.ended ? doubtOf(notice) : this.timed(notice);
  }

  async settled(sessionId?: string): Promise<void> {
    // Who ended it may have died, or failed, before anybody was told, this process included.
    if (sessionId !== undefined) {
      const notice = { changed: [sessionId] };
      this.memory.forget(notice);
      await this.teller.tell(notice);
    }
    await this.lease.outlast();
  }

  async userChanged(userId: string): Promise<void> {
    const notice = { user: userId };
    this.memory.forget(notice);
    await this.teller.announce(notice);
    await this.lease.outlast();
  }

  received(text: string): void {
    const notice = readNotice(text);
    if (!notice) return this.interrupted();
    if (notice.event) this.cluster.received(notice.event);
    if (notice.user === undefined && !notice.event) this.echoes.hear(idsIn(notice));
    this.memory.forget(notice);
    this.teller.publish(notice);
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

  private report(): void {
    if (!feedChannel.isHeard) return;
    feedChannel.publish({ type: 'counts', fresh: this.lease.isFresh, ...this.counts, ...this.state });
  }

  get state(): CacheState {
    return { ...this.counts, sessions: this.memory.size, feedAge: this.lease.age };
  }
}

const yes = () => Promise.resolve(true);

const UNHEARD =
  'The session ended, but nobody was told: is the trigger of announceRevocations() in place, and the feed on the same database?';
