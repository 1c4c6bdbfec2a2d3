import type { BatchObservableCallback, MeterProvider } from '@opentelemetry/api';
import type { OpenChannels } from '../sessions/open-channels';
import type { SessionCache } from '../sessions/session-cache';
import { ofRealm, SCOPE } from './metrics';

/** Reads what a module holds whenever metrics are collected. @returns ends it */
export function watchGauges(
  provider: MeterProvider,
  owner: { realm: string },
  channels: OpenChannels,
  cache?: SessionCache,
): () => void {
  const meter = provider.getMeter(SCOPE);
  const sockets = meter.createObservableGauge('jwt_knox.sockets', {
    description: 'Sockets, subscriptions and streams that are open.',
    unit: '{socket}',
  });
  const realm = ofRealm(owner);
  const watchCache = cache && cacheGauges(provider, realm, cache);
  const read: BatchObservableCallback = (result) => result.observe(sockets, channels.size, realm);
  meter.addBatchObservableCallback(read, [sockets]);
  return () => {
    meter.removeBatchObservableCallback(read, [sockets]);
    watchCache?.();
  };
}

function cacheGauges(provider: MeterProvider, realm: ReturnType<typeof ofRealm>, cache: SessionCache): () => void {
  const meter = provider.getMeter(SCOPE);
  const sessions = meter.createObservableGauge('jwt_knox.cache.sessions', {
    description: 'Sessions in memory.',
    unit: '{session}',
  });
  const requests = meter.createObservableCounter('jwt_knox.cache.requests', {
    description: 'Requests of known tokens, by whether memory answered.',
    unit: '{request}',
  });
  const age = meter.createObservableGauge('jwt_knox.feed.age', {
    description: 'Time since the revocation feed last proved that nothing is missing.',
    unit: 's',
  });
  const watched = [sessions, requests, age];
  const read: BatchObservableCallback = (result) => {
    const { state } = cache;
    result.observe(sessions, state.sessions, realm);
    result.observe(requests, state.hits, { result: 'hit', ...realm });
    result.observe(requests, state.misses, { result: 'miss', ...realm });
    if (state.feedAge !== null) result.observe(age, state.feedAge / 1_000, realm);
  };
  meter.addBatchObservableCallback(read, watched);
  return () => meter.removeBatchObservableCallback(read, watched);
}
