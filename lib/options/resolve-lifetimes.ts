import { isSet, type OptionReader } from './option-reader';
import type { JwtKnoxOptions, SessionOptions } from './options';

/** The lifetime of an access token, and the time by which clocks and a slow request may stretch it. */
export function accessKeyPeriodOf(options: {
  accessTtl: number;
  clockTolerance: number;
  storageTimeout: number;
  refresh: object | null;
}): number | null {
  if (options.refresh === null) return null;
  return options.accessTtl + Math.max(60_000, 3 * options.clockTolerance + options.storageTimeout);
}

/** How long sessions and their tokens live. */
export function lifetimes(read: OptionReader, options: Partial<JwtKnoxOptions>) {
  const given: SessionOptions = options.session ?? {};
  const isSingle = options.refreshToken === false;
  const maxLifetime = read.duration('session.maxLifetime', given.maxLifetime, isSingle ? '10h' : '30d', 'a second');
  const idle = read.duration('session.idleTimeout', given.idleTimeout, '1d', 'a second');
  const idleTimeout = isSet(given.idleTimeout) ? idle : Math.min(idle, maxLifetime);
  const touchInterval = read.duration('session.touchInterval', given.touchInterval, '60s', 'zero');
  const access = read.section('accessToken', options.accessToken);
  read.refuse(idleTimeout > maxLifetime, longer('session.idleTimeout', 'session.maxLifetime'));
  const session = { idleTimeout, maxLifetime, touchInterval, idleGrace: touchInterval };
  if (options.refreshToken === false) {
    const isIdleJudged = idleTimeout < maxLifetime;
    read.refuse(isIdleJudged && touchInterval > idleTimeout, longer('session.touchInterval', 'session.idleTimeout'));
    const shortIdleTimeout = shortIdleTimeoutOf(read, given, idleTimeout);
    return { session: { ...session, shortIdleTimeout }, accessTtl: maxLifetime, refresh: null };
  }
  const accessTtl = read.duration('accessToken.ttl', access.ttl, '5m', 'a second');
  read.refuse(accessTtl > idleTimeout, longer('accessToken.ttl', 'session.idleTimeout'));
  const shortIdleTimeout = shortIdleTimeoutOf(read, given, idleTimeout, accessTtl);
  const refresh = refreshOf(read, options.refreshToken, accessTtl);
  return { session: { ...session, shortIdleTimeout }, accessTtl, refresh };
}

function longer(one: string, other: string): string {
  return `${one}: longer than ${other}; shorten the one or lengthen the other.`;
}

function shortIdleTimeoutOf(read: OptionReader, given: SessionOptions, idleTimeout: number, least = 0): number {
  const short = read.duration('session.shortIdleTimeout', given.shortIdleTimeout, '30m', 'a second');
  if (given.shortIdleTimeout === undefined) return Math.max(least, Math.min(short, idleTimeout));
  read.refuse(short > idleTimeout, longer('session.shortIdleTimeout', 'session.idleTimeout'));
  read.refuse(short < least, longer('accessToken.ttl', 'session.shortIdleTimeout'));
  return short;
}

function refreshOf(read: OptionReader, refreshToken: JwtKnoxOptions['refreshToken'], accessTtl: number) {
  const given = read.section('refreshToken', refreshToken);
  const reuseInterval = read.duration('refreshToken.reuseInterval', given.reuseInterval, '10s', 'zero');
  const retryWindow = read.duration('refreshToken.retryWindow', given.retryWindow, '5m', 'zero');
  const rotate = read.choice('refreshToken.rotate', given.rotate, [true, false], true);
  const interval = 'refreshToken.reuseInterval';
  const window = 'refreshToken.retryWindow';
  const isIdle = retryWindow > 0 && retryWindow <= reuseInterval;
  read.refuse(retryWindow > 86_400_000, `${window}: more than '1d'; a thief could use it too. Shorten it.`);
  read.refuse(
    isIdle,
    `${window}: not longer than ${interval}, which forgives all that it would; set it to 0 or lengthen it.`,
  );
  read.refuse(reuseInterval > 60_000, `${interval}: more than '60s'; a thief could use it too. Shorten it.`);
  read.refuse(reuseInterval >= accessTtl, `${interval}: not shorter than accessToken.ttl; shorten it.`);
  return Object.freeze({ rotate, reuseInterval, retryWindow });
}
