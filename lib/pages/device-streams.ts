import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { JwtKnoxEvents } from '../contracts/events';
import { line } from '../contracts/log-line';
import type { Session } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { ChannelEnd, ChannelTerms } from '../sessions/open-channel';
import { OpenChannels } from '../sessions/open-channels';
import type { Authentication } from '../sessions/session-checker';
import type { EventStream } from '../routes/event-stream';
import { type ShowingPage, type ShownList, ShownSessions } from './shown-sessions';

/** A page that stays open does not use its session, and prolongs nothing: it may stay for as long as that lives. */
const TERMS: ChannelTerms = { recheck: 60_000, lifetime: 'session' };
/** So that proxies do not take a stream for dead. */
const BEAT_MS = 25_000;
/** Of one session: each page in sight has one. */
const MOST = 10;

/** What a page needs to be kept informed. */
interface View {
  readonly stream: EventStream;
  readonly shown: Authentication;
  /** When its access token expires (epoch ms). */
  readonly tokenEnd: number | undefined;
  /** Returns the list as it is. */
  readonly render: () => Promise<ShownList>;
}

/** Tells the open pages of devices when sessions of their user begin, end or are copied, and when their own has ended. */
@Injectable()
export class DeviceStreams implements BeforeApplicationShutdown {
  /** By user. */
  private readonly pages = new Map<string, Set<OpenPage>>();
  private readonly shown = new ShownSessions<OpenPage>();
  private stopListening: (() => void)[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'realm'>,
    private readonly events: JwtKnoxEvents,
    private readonly channels: OpenChannels,
  ) {
    // What ends while the first page is being let in must not be missed.
    channels.watch();
  }

  /** Whether a session may have one more. */
  hasRoom({ id, userId }: Session): boolean {
    return [...(this.pages.get(userId) ?? [])].filter(({ sessionId }) => sessionId === id).length < MOST;
  }

  /** Keeps a page informed, beginning with the list as it is, until its session ends or it is closed. */
  add({ stream, shown, tokenEnd, render }: View): void {
    // One that comes back during the shutdown would keep the server open.
    if (this.isClosed) return stream.close();
    this.listen();
    const { id, userId } = shown.session;
    const page = new OpenPage(id, stream, this.shown, render);
    const ofUser = this.pages.get(userId) ?? new Set();
    this.pages.set(userId, ofUser.add(page));
    const channel = this.channels.open(shown, tokenEnd, TERMS, (end) => page.end(end));
    this.timer ??= setInterval(() => this.beat(), BEAT_MS).unref();
    stream.onClose(() => {
      this.channels.leave(channel);
      this.shown.leave(page);
      ofUser.delete(page);
      if (ofUser.size === 0) this.pages.delete(userId);
    });
    void page.update();
  }

  /** Before the server waits for all that is open. */
  beforeApplicationShutdown(): void {
    this.isClosed = true;
    for (const stop of this.stopListening ?? []) stop();
    clearInterval(this.timer);
    for (const page of this.all()) page.close();
  }

  private listen(): void {
    this.stopListening ??= [
      this.events.on('session.created', ({ session: { userId, realm } }) => this.changed({ userId, realm })),
      this.events.on('session.revoked', ({ scope, userId }) => this.changed({ userId, ...scope })),
      this.events.on('session.copied', ({ sessionId, userId }) => this.changed({ userId, sessionId })),
      // In another process; whose the session was, its id alone does not say.
      this.events.on('session.announced', ({ scope }) => this.changed({ userId: null, ...scope })),
    ];
  }

  /** `userId`: null for all users, and where nobody said whose the session is. */
  private changed({ userId, realm, sessionId }: { userId: string | null; realm?: string; sessionId?: string }): void {
    if (realm !== undefined && realm !== this.options.realm) return;
    const ofUser = () => (userId === null ? this.all() : (this.pages.get(userId) ?? []));
    for (const page of sessionId === undefined ? ofUser() : this.shown.changed(sessionId)) void page.update();
  }

  private beat(): void {
    for (const page of this.all()) page.beat();
    if (this.pages.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private all(): OpenPage[] {
    return [...this.pages.values()].flatMap((ofUser) => [...ofUser]);
  }
}

/** One page, and whether it is behind. */
class OpenPage implements ShowingPage {
  private static readonly logger = new Logger('JwtKnox');
  private isUpdating = false;
  private isBehind = false;

  constructor(
    readonly sessionId: string,
    private readonly stream: EventStream,
    private readonly shown: ShownSessions<OpenPage>,
    readonly render: () => Promise<ShownList>,
  ) {}

  get isOpen(): boolean {
    return this.stream.isOpen;
  }

  /** Sends the list, and once more where something of it has changed meanwhile. */
  async update(): Promise<void> {
    this.isBehind = true;
    if (this.isUpdating) return;
    this.isUpdating = true;
    try {
      while (this.isBehind && this.isOpen) {
        this.isBehind = false;
        const { html, isBehind } = await this.shown.listOf(this);
        this.isBehind ||= isBehind;
        this.stream.send(html, 'devices');
      }
    } catch (error) {
      const what = `A page of devices could not be brought up to date: ${(error as Error)?.message}`;
      OpenPage.logger.warn(line('devices-page-stale', what));
      // It comes back for the whole list.
      this.close();
    } finally {
      this.isUpdating = false;
    }
  }

  beat(): void {
    this.stream.beat();
  }

  end(end: ChannelEnd): void {
    if (end === 'session_ended') this.stream.send('', 'ended');
    this.close();
  }

  close(): void {
    this.stream.close();
  }
}
