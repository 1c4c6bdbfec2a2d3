// The code of docs/26-observability.md. A test runs it, and holds the page to it.
import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import { Controller, Get, Header } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type OperationMessages, Public, SOCKETS_CHANNEL, type SocketsMessage } from '../../lib';
import { CACHE_CHANNEL, type CacheMessage } from '../../lib/cache';

/** Example: metrics */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Counts once for each operation that is over. */
function on<Name extends keyof OperationMessages>(name: Name, count: (told: OperationMessages[Name]) => void) {
  const { end, asyncEnd } = tracingChannel<unknown, object>(`jwt-knox:${name}`);
  const listener = (message: unknown) => {
    const told = message as OperationMessages[Name];
    if (told.outcome !== undefined) count(told);
  };
  end.subscribe(listener);
  asyncEnd.subscribe(listener);
}

/** Call it once, when the process starts. */
export function countKnox(registry: Registry): void {
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `jwt_knox_${name}_total`, help, labelNames, registers: [registry] });
  const seconds = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name: `jwt_knox_${name}_seconds`, help, labelNames, buckets: BUCKETS, registers: [registry] });
  const rejections = counter('rejections', 'Tokens that were refused', ['operation', 'reason']);
  const judged = seconds('authenticate_duration', 'Judging an access token', ['outcome', 'cached']);
  const stored = seconds('storage_duration', 'A call of the session storage', ['db_operation_name']);
  const logins = counter('logins', 'Sessions that were started, or refused', ['outcome', 'kind']);
  const refreshes = counter('refreshes', 'What became of refresh tokens', ['decision']);
  const revocations = counter('revocations', 'Sessions that were ended', ['reason']);
  const refuse = (operation: string, { outcome, reason }: { outcome?: string; reason?: string }) => {
    if (outcome === 'refused') rejections.inc({ operation, reason: reason! });
  };
  on('authenticate', (told) => {
    judged.observe({ outcome: told.outcome!, cached: String(told.isCached) }, told.duration! / 1_000);
    refuse('authenticate', told);
  });
  on('storage', (told) => stored.observe({ db_operation_name: told.call }, told.duration! / 1_000));
  on('login', (told) => logins.inc({ outcome: told.outcome!, kind: told.kind }));
  on('refresh', (told) => {
    refreshes.inc({ decision: told.decision ?? (told.reason === 'reused' ? 'replay' : told.outcome!) });
    refuse('refresh', told);
  });
  on('revoke', (told) => {
    revocations.inc({ reason: told.why }, told.count ?? 0);
    refuse('revoke', told);
  });
}
/** End of example */

/** Example: gauges */
export function watchKnox(registry: Registry): void {
  const gauge = (name: string, help: string) => new Gauge({ name: `jwt_knox_${name}`, help, registers: [registry] });
  const sockets = gauge('sockets', 'Sockets, subscriptions and streams that are open');
  subscribe(SOCKETS_CHANNEL, (message) => sockets.set((message as SocketsMessage).open));
  const sessions = gauge('cache_sessions', 'Sessions in memory');
  const age = gauge('feed_age_seconds', 'Time since the revocation feed last proved that nothing is missing');
  const requests = new Counter({
    name: 'jwt_knox_cache_requests_total',
    help: 'Requests of known tokens, by whether memory answered',
    labelNames: ['result'],
    registers: [registry],
  });
  let last = { hits: 0, misses: 0 };
  subscribe(CACHE_CHANNEL, (message) => {
    const told = message as CacheMessage;
    if (told.type !== 'counts') return;
    sessions.set(told.sessions);
    if (told.feedAge !== null) age.set(told.feedAge / 1_000);
    requests.inc({ result: 'hit' }, told.hits - last.hits);
    requests.inc({ result: 'miss' }, told.misses - last.misses);
    last = told;
  });
}
/** End of example */

/** Example: scrape */
export const registry = new Registry();

@Controller('metrics')
export class MetricsController {
  @Public() // for Prometheus alone: let no other machine reach it
  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4')
  metrics() {
    return registry.metrics();
  }
}
/** End of example */
