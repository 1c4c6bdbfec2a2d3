import type { SessionRecord } from '../contracts/session';
import type { ResolvedOptions } from '../options/resolve-options';

/** Both in milliseconds. */
type Lifetimes = Pick<ResolvedOptions['session'], 'maxLifetime' | 'maxProgramLifetime' | 'idleGrace'>;

type GreatestLifetime = Pick<Lifetimes, 'maxLifetime' | 'maxProgramLifetime'>;

/** What no refresh prolongs a session beyond (epoch ms): its own latest end, or the greatest lifetime as it is now. */
export function greatestEndOf(
  { kind, maxExpiresAt, createdAt }: SessionRecord,
  { maxLifetime, maxProgramLifetime }: GreatestLifetime,
): number {
  return Math.min(maxExpiresAt ?? Infinity, createdAt + (kind === 'program' ? maxProgramLifetime : maxLifetime));
}

/** When a session ends in any case (epoch ms): by its row, or by what no refresh prolongs it beyond. */
export function latestEndOf(record: SessionRecord, lifetimes: GreatestLifetime): number {
  return Math.min(record.expiresAt, greatestEndOf(record, lifetimes));
}

/** When a session ends unless it is used (epoch ms). */
export function endOf(record: SessionRecord, lifetimes: Lifetimes): number {
  return Math.min(latestEndOf(record, lifetimes), idleEndOf(record, lifetimes));
}

/** A rotation writes the idle end into `expiresAt`. Without a refresh token there is none: the last use counts. */
function idleEndOf({ refreshDigest, idleTimeout, lastUsedAt }: SessionRecord, { idleGrace }: Lifetimes): number {
  return refreshDigest !== null || idleTimeout === null ? Infinity : lastUsedAt + idleTimeout + idleGrace;
}
