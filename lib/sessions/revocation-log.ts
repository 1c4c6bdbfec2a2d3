import { Inject, Injectable, type OnModuleDestroy, Optional } from '@nestjs/common';
import { JwtKnoxEvents, type RevocationScope } from '../contracts/events';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { RevocationSet, type ToldEnd } from '../tokens/revocation-set';
import { SessionCache } from './session-cache';

/** Older tokens, such as those for programs, are for the issuer to judge. */
const LONGEST_MEMORY_MS = 3_600_000;
const MINUTE_MS = 60_000;

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
      events.on('session.revoked', ({ scope }) => this.note(scope, true)),
      events.on('session.announced', ({ scope, isEnd }) => this.note(scope, isEnd)),
      events.on('session.narrowed', ({ session }) => this.note({ sessionId: session.id }, false)),
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
    const { clock, accessTtl, clockMargin } = this.options;
    const memory = Math.min(accessTtl, LONGEST_MEMORY_MS) + 2 * clockMargin + MINUTE_MS;
    this.ended.raise(Math.floor((clock.now() - memory) / 1_000));
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

  private note(scope: RevocationScope, isEnd: boolean): void {
    if (!('sessionId' in scope) && scope.realm !== this.options.realm) return;
    const end = this.told(scope, isEnd);
    this.ended.add(end);
    for (const one of this.listeners) one.told(end);
  }

  /** Clocks of processes differ by the margin at most: in between, the token does not say which came first. */
  private told(scope: RevocationScope, isEnd: boolean): ToldEnd {
    const { clock, clockMargin } = this.options;
    const now = clock.now();
    const before = Math.ceil((now + clockMargin) / 1_000);
    if ('sessionId' in scope) return { sid: scope.sessionId, ...(!isEnd && { from: 0 }), before };
    const from = Math.floor((now - clockMargin) / 1_000);
    if ('createdBefore' in scope) return { from: Math.min(from, Math.floor(scope.createdBefore / 1_000)), before };
    const { userId, except, kinds } = scope;
    return { user_id: userId, ...(except !== undefined && { except }), ...(kinds && { kinds }), from, before };
  }
}
