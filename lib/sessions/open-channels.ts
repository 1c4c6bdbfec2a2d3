import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { sockets } from '../contracts/diagnostics';
import { JwtKnoxEvents, type RevocationScope } from '../contracts/events';
import { line, messageOf } from '../contracts/log-line';
import type { Session } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { type ChannelEnd, type ChannelTerms, OpenChannel } from './open-channel';
import { type OpenSession, OpenSessions } from './open-sessions';
import type { Authentication } from './session-checker';
import { SessionRecheck } from './session-recheck';

/** How long a channel stays open after its newest token has expired, so that a client has time to show another. */
export const RENEWAL_GRACE_MS = 30_000;

const SWEEP_MS = 1_000;
/** A session that began this recently may have begun after its user's others were ended: its row says. */
const YOUNG_MS = 10_000;
/** How long an end is remembered for channels that were being opened meanwhile. */
const DOUBT_MS = 30_000;
const MOST_DOUBTS = 50_000;
const RETRY_MS = 5_000;
const EVERYBODY = '*';

type Options = Pick<ResolvedOptions, 'clock' | 'realm'>;

/**
 * Everything that is kept open for a session, beyond the request that opened it, and what closes it: one registry, and one
 * timer, for sockets, subscriptions and streams alike. Does nothing before something is opened.
 */
@Injectable()
export class OpenChannels implements OnApplicationShutdown {
  private readonly logger = new Logger(OpenChannels.name);
  private readonly sessions = new OpenSessions();
  private readonly owners = new WeakMap<object, OpenChannel>();
  /** Which sessions ended a moment ago, by the id of the session or the user, and when (`performance.now()`). */
  private readonly doubts = new Map<string, number>();
  private stopListening: (() => void)[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isReading = false;

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Options,
    private readonly events: JwtKnoxEvents,
    private readonly recheck: SessionRecheck,
  ) {}

  /** Whose sessions these are. */
  get realm(): string {
    return this.options.realm;
  }

  /** How many channels are open. */
  get size(): number {
    return this.sessions.channelCount;
  }

  /** Listens for ends of sessions: before the first authentication of what will be opened. */
  watch(): void {
    this.stopListening ??= [
      this.events.on('session.revoked', ({ scope, since }) => this.onRevoked(scope, since)),
      this.events.on('session.narrowed', ({ session }) => this.onLess(session)),
      // Of a browser, after its login: whoever copied the cookies before it may have opened something meanwhile.
      this.events.on('session.bound', ({ session, kind }) => (kind === 'dbsc' ? this.onLess(session) : undefined)),
      this.events.on('session.announced', ({ scope, isEnd, since, until }) =>
        isEnd ? this.onRevoked(scope, since ?? until) : this.onChanged(scope),
      ),
    ];
  }

  /**
   * Keeps a channel until its session ends, or no token on it is valid any more, or {@link leave}.
   * @param tokenEnd when the token expires (epoch ms); undefined: with the session
   */
  open<User>(
    shown: Authentication<User>,
    tokenEnd: number | undefined,
    terms: ChannelTerms,
    close: (end: ChannelEnd) => void,
  ): OpenChannel<User> {
    this.watch();
    const channel = new OpenChannel(shown, untilOf(shown, tokenEnd), terms, (end) => this.close(channel, end, close));
    const now = this.options.clock.now();
    const session = this.sessions.add(channel, now);
    this.tellSize();
    // It may have ended between the reading of its row and now; so may that of who acts in it.
    const { id, userId, actorId, actorSessionId } = shown.session;
    if ([id, userId, actorId, actorSessionId, EVERYBODY].some((one) => this.doubts.has(one!))) this.doubt(session);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return channel;
  }

  /** Takes a newer token of the same session. */
  renew<User>(channel: OpenChannel<User>, shown: Authentication<User>, tokenEnd: number | undefined): void {
    channel.take(shown, untilOf(shown, tokenEnd));
    const session = this.sessions.renew(channel, this.options.clock.now());
    // What was read for it may be from before the session was narrowed.
    if (session && this.doubts.has(session.id)) this.doubt(session);
  }

  /** Forgets a channel that the other side closed. */
  leave(channel: OpenChannel): void {
    this.sessions.remove(channel);
    this.tellSize();
  }

  private tellSize(): void {
    if (sockets.hasSubscribers) sockets.publish({ realm: this.realm, open: this.size });
  }

  /** Says what a guard will find where it looks for a request: the client of a socket, the context of a subscription. */
  attach(owner: object, channel: OpenChannel): void {
    this.owners.set(owner, channel);
  }

  /**
   * Who may use what a guard found; undefined where nothing is kept open by it.
   * @throws InvalidTokenError, TokenExpiredError
   */
  currentOf(owner: object): Promise<Authentication> | undefined {
    const channel = this.owners.get(owner);
    return channel && this.current(channel);
  }

  private async current(channel: OpenChannel): Promise<Authentication> {
    return channel.current(this.options.clock.now());
  }

  onApplicationShutdown(): void {
    for (const stop of this.stopListening ?? []) stop();
    this.stopListening = undefined;
    clearInterval(this.timer);
    this.timer = undefined;
    this.doubts.clear();
  }

  /** @param since when it was, by the clock of who did it (epoch ms) */
  private onRevoked(scope: RevocationScope, since = this.options.clock.now()): void {
    this.remember(ownerOf(scope));
    for (const session of this.sessions.within(scope, this.options.realm)) {
      const isNamed = 'sessionId' in scope;
      if (isNamed || session.createdAt < since - YOUNG_MS) this.finish(session);
      else this.doubt(session);
    }
    // Their own row lives: whether they may go on is for the row of who acts in them to say.
    for (const session of this.sessions.actedBy(scope)) this.doubt(session);
  }

  /** What is open may do less from now on, or not stay open for as long. */
  private onLess(session: Session): void {
    this.remember(session.id);
    const open = this.sessions.find(session.id);
    for (const channel of open?.channels ?? []) channel.adopt(session);
    if (open) this.doubt(open);
  }

  /** What it may do now, its row says. */
  private onChanged(scope: RevocationScope): void {
    this.remember(ownerOf(scope));
    for (const session of this.sessions.within(scope, this.options.realm)) this.doubt(session);
    for (const session of this.sessions.actedBy(scope)) this.doubt(session);
  }

  private remember(whose: string): void {
    if (this.doubts.size >= MOST_DOUBTS) {
      this.doubts.clear();
      whose = EVERYBODY;
    }
    this.doubts.set(whose, performance.now());
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  private doubt(session: OpenSession): void {
    session.isDoubted = true;
    session.recheckAt = 0;
    setImmediate(() => void this.readDue());
  }

  private finish({ channels }: OpenSession): void {
    for (const channel of channels) channel.finish('session_ended');
  }

  private close(channel: OpenChannel, end: ChannelEnd, close: (end: ChannelEnd) => void): void {
    this.leave(channel);
    try {
      close(end);
    } catch (error) {
      this.logger.error(line('close-failed', `Closing what was open for a session failed: ${messageOf(error)}`));
    }
  }

  private sweep(): void {
    const now = this.options.clock.now();
    for (const { channels } of this.sessions.all()) {
      for (const channel of channels) if (channel.until <= now) channel.finish('token_expired');
    }
    const oldest = performance.now() - DOUBT_MS;
    for (const [whose, at] of this.doubts) if (at < oldest) this.doubts.delete(whose);
    if (this.size === 0 && this.doubts.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    void this.readDue();
  }

  /** Reads the rows whose turn has come, a batch after the other. What cannot be read is read again soon. */
  private async readDue(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    try {
      for (let due = this.sessions.due(this.options.clock.now()); due.length > 0;) {
        const isRead = await this.readBatch(due);
        due = isRead ? this.sessions.due(this.options.clock.now()) : [];
      }
    } finally {
      this.isReading = false;
    }
  }

  private async readBatch(due: OpenSession[]): Promise<boolean> {
    for (const session of due) {
      session.recheckAt = Infinity;
      session.isDoubted = false;
    }
    return this.recheck.read(due, (session, isOver) => this.judged(session, isOver));
  }

  private judged(session: OpenSession, isOver: boolean | null): void {
    // Whatever was announced meanwhile: what is over does not begin again.
    if (isOver) return this.finish(session);
    // Meanwhile an end may have been announced, which asks for another look.
    if (session.isDoubted) return;
    const { recheck } = session;
    session.recheckAt = this.options.clock.now() + (isOver === null ? Math.min(recheck, RETRY_MS) : recheck);
  }
}

/** Whose rows a scope is about, as doubts name them. */
function ownerOf(scope: RevocationScope): string {
  if ('sessionId' in scope) return scope.sessionId;
  return 'userId' in scope ? scope.userId : EVERYBODY;
}

function untilOf({ session }: Authentication, tokenEnd: number | undefined): number {
  return (tokenEnd ?? session.expiresAt) + RENEWAL_GRACE_MS;
}
