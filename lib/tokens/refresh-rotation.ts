import type { SessionRecord } from '../contracts/session';

/** What is known of a presented refresh token once its row is read. */
export interface PresentedRefresh {
  /** `gen` of the token. */
  generation: number;
  /** Which of the row's refresh keys the token carries. */
  key: 'current' | 'previous' | 'unknown';
  /** Whether the token carries the session key: proof that it belongs to this session, whatever its age. */
  isMember: boolean;
}

/** Durations in milliseconds. */
export interface RotationPolicy {
  rotate: boolean;
  reuseInterval: number;
  /** A rotation farther ahead of the clock than this is no recent one: another clock noted it, and one of them is wrong. */
  clockMargin: number;
}

/**
 * What a refresh does:
 * - `rotate`: replace the refresh key by its successor.
 * - `same`: answer with the current key again.
 * - `successor`: the key before the current one, presented by a second tab or after a lost answer: answer with the same
 *   successor as the first time.
 * - `reuse`: a replay (RFC 9700 section 4.14.2): end the session.
 * - `invalid`: refuse and change nothing.
 */
export type RefreshDecision = 'rotate' | 'same' | 'successor' | 'reuse' | 'invalid';

/** Decides from the row, the presented token and the time, in epoch ms. First match wins. */
export function decideRefresh(
  row: Pick<SessionRecord, 'generation' | 'rotatedAt' | 'lastUsedAt'>,
  presented: PresentedRefresh,
  now: number,
  policy: RotationPolicy,
): RefreshDecision {
  const { rotatedAt } = row;
  const age = rotatedAt === null || rotatedAt > now + policy.clockMargin ? Infinity : now - rotatedAt;
  if (presented.key === 'current' && presented.generation === row.generation) {
    if (!policy.rotate) return 'same';
    return policy.reuseInterval === 0 || age >= policy.reuseInterval ? 'rotate' : 'same';
  }
  if (presented.key === 'previous' && presented.generation === row.generation - 1 && rotatedAt !== null) {
    const successorUnused = row.lastUsedAt <= rotatedAt;
    if (age < policy.reuseInterval || successorUnused) return 'successor';
  }
  return presented.generation < row.generation && presented.isMember ? 'reuse' : 'invalid';
}
