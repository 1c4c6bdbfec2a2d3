import { Inject, Injectable, type OnModuleDestroy, Optional } from '@nestjs/common';
import { type JwtKnoxEventMap, JwtKnoxEvents } from '../contracts/events';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { RevocationSet, type ToldEnd } from '../tokens/revocation-set';
import { SessionCache } from './session-cache';

const MINUTE_MS = 60_000;

/** How long an end matters to whoever verifies access tokens by themselves, in ms. */
export function endMemoryOf({ accessTtl, clockMargin }: Pick<ResolvedOptions, 'accessTtl' | 'clockMargin'>): number {
  return accessTtl + 2 * clockMargin + MINUTE_MS;
}

type Announced = JwtKnoxEventMap['session.announced'];

/** What hears of ends. */
export interface EndListener {
  told(end: ToldEnd): void;
  /** Something may have been missed: what was told so far is not all. */
  interrupted(): void;
}

/**
 * What ended in any process, as far as this one knows: from when it last began to hear, and for as long as an access token
 * lives.
 */
@Injectable()
export class RevocationLog implements OnModuleDestroy {
  private ended = new RevocationSet();
  private readonly listeners = new Set<EndListener>();
  private readonly stops: (() => void)[];

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    events: JwtKnoxEvents,
    @Optional() private readonly cache?: SessionCache,
  ) {
    this.beginAnew();
    this.stops = [
      events.on('session.announced', (announced) => this.note(announced)),
      ...(cache ? [cache.onInterrupted(() => this.interrupt())] : []),
    ];
  }

  onModuleDestroy(): void {
    for (const stop of this.stops) stop();
  }

  /** Until when everything has been heard, by `performance.now()`; `-Infinity` while nothing is. */
  get heardUntil(): number {
    return this.cache?.heardUntil ?? -Infinity;
  }

  /** Seconds: nothing is known of tokens that were issued before. */
  get completeFrom(): number {
    // Older tokens, such as those for programs, are for the issuer to judge.
    this.ended.raise(Math.floor((this.options.clock.now() - endMemoryOf(this.options)) / 1_000));
    return this.ended.floor;
  }

  get size(): number {
    return this.ended.size;
  }

  ends(): Iterable<ToldEnd> {
    return this.ended.ends();
  }

  listen(listener: EndListener): void {
    this.listeners.add(listener);
  }

  private interrupt(): void {
    this.beginAnew();
    for (const one of this.listeners) one.interrupted();
  }

  private beginAnew(): void {
    this.ended = new RevocationSet();
    // A token of another process may carry a moment ahead of this clock.
    this.ended.raise(Math.ceil((this.options.clock.now() + this.options.clockMargin) / 1_000));
  }

  private note(announced: Announced): void {
    const { scope } = announced;
    if (!('sessionId' in scope) && scope.realm !== this.options.realm) return;
    const end = this.told(announced);
    this.ended.add(end);
    for (const one of this.listeners) one.told(end);
  }

  /** Clocks of processes differ by the margin at most: in between, the token does not say which came first. */
  private told({ scope, isEnd, since, until }: Announced): ToldEnd {
    const { clock, clockMargin } = this.options;
    const now = clock.now();
    const before = Math.ceil(((until ?? now) + clockMargin) / 1_000);
    if ('sessionId' in scope) return { sid: scope.sessionId, ...(!isEnd && { from: 0 }), before };
    const from = isEnd ? seconds((since ?? now) - clockMargin) : 0;
    // A session that lives may have been refreshed by a clock behind that of its login.
    if ('createdBefore' in scope) return { from: Math.min(from, seconds(scope.createdBefore - clockMargin)), before };
    const { userId, except, kinds } = scope;
    return { user_id: userId, ...(except !== undefined && { except }), ...(kinds && { kinds }), from, before };
  }
}

/** As tokens have it, whatever somebody gave for a moment. */
const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1_000));
