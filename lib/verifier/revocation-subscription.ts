import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { TokenRejection } from '../contracts/errors';
import { line } from '../contracts/log-line';
import { frameHeaderOf, MOST_FRAME_LENGTH, openFrame } from '../tokens/revocation-frame';
import { generateId } from '../tokens/token-key';
import { eventsOf } from './event-stream';
import { answeredWith, failureOf } from './issuer-fetch';
import type { RemoteKeys } from './remote-keys';
import type { ResolvedRevocations } from './resolve-revocations';
import { type RevocationView, WrongFrame } from './revocation-view';

const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 5_000;
/** Without a frame for so long, the connection is taken for lost. */
const SILENCE_MS = 3_000;
/** Clocks run at different speeds: how old a frame is, is measured anew by another connection. */
const MOST_AGE_MS = 15 * 60_000;

/** Follows the issuer's revocation stream, and makes another connection when one is lost. */
export class RevocationSubscription {
  private readonly logger = new Logger('JwtKnoxVerifier');
  private readonly stopped = new AbortController();
  private wait = FIRST_WAIT_MS;
  private isHeard = false;
  private isReported = false;

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

  /** Until the connection ends, or its time is over. */
  private async follow(): Promise<void> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error('The issuer has fallen silent.')), SILENCE_MS).unref();
    const until = performance.now() + MOST_AGE_MS;
    try {
      const body = await this.open(AbortSignal.any([this.stopped.signal, silence.signal]));
      for await (const raw of eventsOf(body, MOST_FRAME_LENGTH)) {
        timer.refresh();
        if (await this.read(raw)) this.recover();
        if (performance.now() > until) return;
      }
    } finally {
      clearTimeout(timer);
      // Also where the loop was left: nobody reads this connection any more.
      silence.abort();
    }
  }

  private async open(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { uri, client } = this.options;
    const nonce = generateId();
    const url = new URL(uri);
    url.searchParams.set('nonce', nonce);
    this.view.begin(nonce);
    const headers = { authorization: client.authorization, accept: 'text/event-stream', 'cache-control': 'no-store' };
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    if (response.status === 200 && response.body) return response.body;
    await response.body?.cancel();
    throw new Error(answeredWith(response.status));
  }

  /** Whether all is known that the stream has to tell. */
  private async read(raw: string): Promise<boolean> {
    const header = frameHeaderOf(raw);
    return this.view.take(openFrame(await this.keys.find(header), raw));
  }

  private recover(): void {
    this.wait = FIRST_WAIT_MS;
    if (this.isHeard) return;
    this.isHeard = true;
    this.isReported = false;
    this.logger.log(line('stream-connected', 'The revocation stream of the issuer is heard.'));
  }

  private fail(error: unknown): void {
    const isForged = error instanceof WrongFrame || error instanceof TokenRejection;
    if (isForged) this.view.distrust();
    this.isHeard = false;
    if (this.isReported) return;
    this.isReported = true;
    const what = isForged ? `said something that its issuer did not (${error.message})` : failureOf(error).message;
    const consequence = CONSEQUENCES[this.options.onSilence];
    this.logger.warn(line('stream-down', `The revocation stream is not heard: ${what} ${consequence}`));
  }
}

const CONSEQUENCES: Readonly<Record<ResolvedRevocations['onSilence'], string>> = {
  introspect: 'Until it is, the issuer is asked about each token.',
  refuse: 'Until it is, requests are refused with 503.',
  'accept-until-exp': 'Until it is, tokens count until they expire, but those whose end is known.',
};
