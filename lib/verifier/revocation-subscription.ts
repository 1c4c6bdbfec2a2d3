import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { TokenRejection } from '../contracts/errors';
import { line } from '../contracts/log-line';
import { frameHeaderOf, MOST_FRAME_LENGTH, openFrame } from '../tokens/revocation-frame';
import { generateId } from '../tokens/token-key';
import { eventsOf } from './event-stream';
import { answeredWith, failureOf, NO_EVENTS } from './issuer-fetch';
import type { RemoteKeys } from './remote-keys';
import type { ResolvedRevocations } from './resolve-revocations';
import { type RevocationView, WrongFrame } from './revocation-view';

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 5_000;
/** Without a frame for so long, the connection is taken for lost. */
const SILENCE_MS = 3_000;
/** Clocks run at different speeds: how old a frame is, is measured anew by another connection. */
const MOST_AGE_MS = 15 * 60_000;
/** Every frame of a connection is taken for as old as its opening took: one that took longer than this is made again. */
const QUICK_OPENING_MS = 800;
/** How long one that was slow is kept, twice as long each time in a row. */
const SLOW_AGE_MS = 500;
/** An outage is over when nothing has failed for so long; a connection that ends sooner after its snapshot has failed. */
const LASTING_MS = 5_000;

/** Follows the issuer's revocation stream, and makes another connection when one is lost. */
export class RevocationSubscription {
  private readonly logger = new Logger('JwtKnoxVerifier');
  private readonly stopped = new AbortController();
  private wait = FIRST_WAIT_MS;
  /** Connections in a row that were slow to open. */
  private slow = 0;
  private isHeard = false;
  /** The causes that the log was told since the stream was heard. */
  private readonly told = new Set<string>();
  private failedAt = -Infinity;

  constructor(
    private readonly options: ResolvedRevocations,
    private readonly keys: RemoteKeys,
    readonly view: RevocationView,
  ) {}

  start(): void {
    void this.run();
  }

  stop(): void {
    this.stopped.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        if (!signal.aborted) this.fail(error);
      }
      const wait = this.wait * (0.5 + Math.random() / 2);
      this.wait = Math.min(2 * this.wait, MOST_WAIT_MS);
      await delay(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Until the connection ends, or its time is over. @throws when it ends before it was of use */
  private async follow(): Promise<void> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error('The issuer has fallen silent.')), SILENCE_MS).unref();
    const asked = performance.now();
    let openedAt: number | undefined;
    let completeAt: number | undefined;
    let until = Infinity;
    try {
      const body = await this.open(AbortSignal.any([this.stopped.signal, silence.signal]));
      for await (const raw of eventsOf(body, MOST_FRAME_LENGTH)) {
        timer.refresh();
        openedAt ??= performance.now();
        if (!(await this.read(raw))) continue;
        const now = performance.now();
        const isSlow = openedAt - asked > QUICK_OPENING_MS;
        if (completeAt === undefined) {
          completeAt = now;
          until = now + this.ageOf(isSlow, now - openedAt);
        }
        if (isSlow || !this.view.isFresh) this.warn(LATE);
        else this.recover();
        if (now > until) return;
      }
      if (completeAt === undefined) throw new Error('The issuer ended the stream before it had told what has ended.');
      if (performance.now() - completeAt < LASTING_MS)
        throw new Error('The issuer ended the stream soon after it began.');
    } finally {
      clearTimeout(timer);
      // Also where the loop was left: nobody reads this connection any more.
      silence.abort();
    }
  }

  /**
   * How long a connection may be kept. A link that is never quick is not asked for ever so often, and what takes long to
   * tell is not told again at once.
   */
  private ageOf(isSlow: boolean, gatheredIn: number): number {
    this.slow = isSlow ? this.slow + 1 : 0;
    if (!isSlow) return MOST_AGE_MS;
    const age = (2 ** this.slow - 2) * SLOW_AGE_MS;
    return Math.min(this.view.isFresh ? Math.max(age, 4 * gatheredIn) : age, MOST_AGE_MS);
  }

  private async open(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { uri, client } = this.options;
    const nonce = generateId();
    const url = new URL(uri);
    url.searchParams.set('nonce', nonce);
    this.view.begin(nonce);
    const headers = { authorization: client.authorization, accept: 'text/event-stream', 'cache-control': 'no-store' };
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (response.status === 200 && response.body && isStream) return response.body;
    await response.body?.cancel();
    throw new Error(response.status === 200 ? NO_EVENTS : answeredWith(response.status));
  }

  /** Whether all is known that the stream has to tell. */
  private async read(raw: string): Promise<boolean> {
    const header = frameHeaderOf(raw);
    return this.view.take(openFrame(await this.keys.find(header), raw));
  }

  private recover(): void {
    // A stream that is cut off again and again would fill the log, and ask all the time.
    if (performance.now() - this.failedAt < LASTING_MS) return;
    this.wait = FIRST_WAIT_MS;
    if (this.isHeard) return;
    this.isHeard = true;
    this.told.clear();
    this.logger.log(line('stream-connected', 'The revocation stream of the issuer is heard.'));
  }

  private fail(error: unknown): void {
    const isForged = error instanceof WrongFrame || error instanceof TokenRejection;
    if (isForged) this.view.distrust();
    this.warn(isForged ? `said something that its issuer did not (${error.message})` : failureOf(error).message);
  }

  /** Each cause once. */
  private warn(what: string): void {
    this.isHeard = false;
    this.failedAt = performance.now();
    if (this.told.has(what)) return;
    this.told.add(what);
    const consequence = CONSEQUENCES[this.options.onSilence];
    this.logger.warn(line('stream-down', `The revocation stream is not heard: ${what} ${consequence}`));
  }
}

const LATE = 'What the issuer says comes too late, as over a slow link or in a busy process.';

const CONSEQUENCES: Readonly<Record<ResolvedRevocations['onSilence'], string>> = {
  introspect: 'Until it is, the issuer is asked about each token.',
  refuse: 'Until it is, requests are refused with 503.',
  'accept-until-exp': 'Until it is, tokens count until they expire, but those whose end is known.',
};
