import { describe, expect, it } from 'vitest';
import { endOf, latestEndOf } from '../../../lib/sessions/session-end';
import { sessionRecord } from '../../../lib/contracts/session';

const T = 1_764_000_000_000;
const HOUR = 3_600_000;
const LIFETIMES = { maxLifetime: 8 * HOUR, maxProgramLifetime: 24 * HOUR, idleGrace: 60_000 };

const row = (change: object = {}) =>
  sessionRecord({
    id: 'd39d79e5-e21f-4e1e-ad38-e6a28a1097a6', userId: '1', accessDigest: 'a'.repeat(64), refreshDigest: null, createdAt: T, authenticatedAt: T,
    expiresAt: T + 8 * HOUR, lastUsedAt: T, idleTimeout: HOUR, ...change,
  } as never); // prettier-ignore

describe('the end of a session', () => {
  it('is its last use, the idle timeout and the time in which a use may go unnoted, without a refresh token', () => {
    expect(endOf(row(), LIFETIMES)).toBe(T + HOUR + 60_000);
    expect(endOf(row({ lastUsedAt: T + HOUR }), LIFETIMES)).toBe(T + 2 * HOUR + 60_000);
  });

  it('is that of the row with a refresh token, and where no idle timeout was decided', () => {
    expect(endOf(row({ refreshDigest: 'b'.repeat(64) }), LIFETIMES)).toBe(T + 8 * HOUR);
    expect(endOf(row({ idleTimeout: null }), LIFETIMES)).toBe(T + 8 * HOUR);
  });

  it('never comes after what was decided for the session, nor after what the options say now', () => {
    const used = { lastUsedAt: T + 100 * HOUR, expiresAt: T + 100 * HOUR };
    expect(endOf(row(used), LIFETIMES)).toBe(T + 8 * HOUR);
    expect(endOf(row({ ...used, maxExpiresAt: T + 5 * HOUR }), LIFETIMES)).toBe(T + 5 * HOUR);
    expect(endOf(row({ ...used, expiresAt: 0 }), LIFETIMES)).toBe(0);
  });

  it('in any case does not depend on its use: new keys must not make an idle end the last one', () => {
    expect(latestEndOf(row(), LIFETIMES)).toBe(T + 8 * HOUR);
    expect(latestEndOf(row({ maxExpiresAt: T + HOUR }), LIFETIMES)).toBe(T + HOUR);
  });
});
