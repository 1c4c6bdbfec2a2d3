import type { Attributes, MeterProvider } from '@opentelemetry/api';
import type { OperationMessage } from '../contracts/diagnostics';
import { onSettled } from './subscribe';

export const SCOPE = 'nestjs-jwt-knox';

/** From a hit of memory to a storage that is about to be given up. Seconds. */
const BOUNDARIES = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A module without a realm adds no attribute for it. */
export const ofRealm = ({ realm }: { realm: string }): Attributes => (realm === '' ? {} : { realm });

/** What went wrong, by the name that the semantic conventions have for it; nothing where nothing did. */
export function errorOf({ outcome, reason }: OperationMessage): Attributes {
  return outcome === 'ok' ? {} : { 'error.type': reason ?? '_OTHER' };
}

type Filter = (message: object) => boolean;

/** Counts and measures what is over. */
export function recordMetrics(provider: MeterProvider, isOurs: Filter): (() => void)[] {
  const meter = provider.getMeter(SCOPE);
  const rejections = meter.createCounter('jwt_knox.rejections', {
    description: 'Tokens that were refused, by the check that refused them.',
    unit: '{token}',
  });
  const countRejection = (operation: string, message: OperationMessage) => {
    if (message.outcome !== 'refused') return;
    rejections.add(1, { operation, reason: message.reason ?? '_OTHER', ...ofRealm(message) });
  };
  return [...durations(provider, isOurs, countRejection), ...counters(provider, isOurs, countRejection)];
}

type CountRejection = (operation: string, message: OperationMessage) => void;

function durations(provider: MeterProvider, isOurs: Filter, countRejection: CountRejection): (() => void)[] {
  const meter = provider.getMeter(SCOPE);
  const advice = { explicitBucketBoundaries: BOUNDARIES };
  const judged = meter.createHistogram('jwt_knox.authenticate.duration', {
    description: 'How long it took to judge an access token.',
    unit: 's',
    advice,
  });
  const stored = meter.createHistogram('jwt_knox.storage.duration', {
    description: 'How long a call of the session storage took.',
    unit: 's',
    advice,
  });
  return [
    onSettled('authenticate', isOurs, (told) => {
      const { outcome, isCached: cached } = told;
      judged.record(told.duration! / 1_000, { outcome: outcome!, cached, ...errorOf(told), ...ofRealm(told) });
      countRejection('authenticate', told);
    }),
    onSettled('storage', isOurs, (told) => {
      stored.record(told.duration! / 1_000, { 'db.operation.name': told.call, ...errorOf(told), ...ofRealm(told) });
    }),
  ];
}

function counters(provider: MeterProvider, isOurs: Filter, countRejection: CountRejection): (() => void)[] {
  const meter = provider.getMeter(SCOPE);
  const counter = (name: string, description: string, unit: string) =>
    meter.createCounter(`jwt_knox.${name}`, { description, unit });
  const logins = counter('logins', 'Sessions that were started, or refused.', '{login}');
  const refreshes = counter('refreshes', 'What became of refresh tokens.', '{refresh}');
  const revocations = counter('revocations', 'Sessions that were ended, by the reason.', '{session}');
  const purged = counter('purged', 'Expired sessions that were deleted.', '{session}');
  return [
    onSettled('login', isOurs, (told) => {
      logins.add(1, { outcome: told.outcome!, kind: told.kind, ...errorOf(told), ...ofRealm(told) });
    }),
    onSettled('refresh', isOurs, (told) => {
      const decision = told.decision ?? (told.reason === 'reused' ? 'replay' : told.outcome!);
      refreshes.add(1, { decision, ...ofRealm(told) });
      countRejection('refresh', told);
    }),
    onSettled('revoke', isOurs, (told) => {
      if (told.count) revocations.add(told.count, { reason: told.why, ...ofRealm(told) });
      countRejection('revoke', told);
    }),
    onSettled('purge', isOurs, (told) => {
      if (told.count) purged.add(told.count, ofRealm(told));
    }),
  ];
}
