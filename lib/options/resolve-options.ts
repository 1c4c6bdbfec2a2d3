import { Clock, SystemClock } from '../contracts/clock';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { TokenTransport } from '../contracts/token-transport';
import { millisecondsOf } from './duration';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options';

/** Injection token of the {@link ResolvedOptions}. */
export const JWT_KNOX_OPTIONS = Symbol('JWT_KNOX_OPTIONS');

/** The options as the library uses them: complete, checked, frozen. Durations are milliseconds. */
export interface ResolvedOptions {
  readonly issuer: string | undefined;
  readonly audience: readonly string[];
  readonly clockTolerance: number;
  /** Lifetime of an access token; in single-token mode that of the session. */
  readonly accessTtl: number;
  /** Null in single-token mode. */
  readonly refresh: { readonly ttl: number; readonly rotate: boolean; readonly reuseInterval: number } | null;
  readonly session: {
    readonly maxLifetime: number;
    readonly limitPerUser: number | null;
    readonly onLimit: 'reject' | 'evict-oldest';
    readonly bindUserAgent: 'off' | 'warn' | 'reject';
    readonly touchInterval: number;
  };
  readonly claims: JwtKnoxOptions['claims'];
  readonly tokenResponse: JwtKnoxOptions['tokenResponse'];
  readonly transport: TokenTransport | undefined;
  readonly storageTimeout: number;
  readonly adminTimeout: number;
  readonly clock: Clock;
}

const KNOWN = {
  '': [
    'secret', 'keys', 'issuer', 'audience', 'clockTolerance', 'accessToken', 'refreshToken', 'session', 'claims',
    'tokenResponse', 'transport', 'storageTimeout', 'adminTimeout', 'clock',
  ],
  accessToken: ['ttl'],
  refreshToken: ['ttl', 'rotate', 'reuseInterval'],
  session: ['ttl', 'maxLifetime', 'limitPerUser', 'onLimit', 'bindUserAgent', 'touchInterval'],
} as const; // prettier-ignore

/** Reads options one by one and notes what is wrong with them. */
class OptionReader {
  constructor(readonly problems: string[]) {}

  duration(name: string, value: unknown, fallback: string, zeroAllowed = false): number {
    const ms = millisecondsOf(value ?? fallback);
    if (ms !== null && (ms > 0 || zeroAllowed)) return ms;
    const least = zeroAllowed ? 'zero or more' : 'more than zero';
    this.problems.push(`${name}: not a duration of ${least}; give seconds or a string such as '${fallback}'.`);
    return millisecondsOf(fallback)!;
  }

  choice<T>(name: string, value: unknown, allowed: readonly T[], fallback: T): T {
    if (value === undefined) return fallback;
    if (allowed.includes(value as T)) return value as T;
    this.problems.push(`${name}: must be one of ${allowed.map((choice) => JSON.stringify(choice)).join(', ')}.`);
    return fallback;
  }

  section<T extends object>(name: keyof typeof KNOWN, value: T | false | undefined): Partial<T> {
    if (value === undefined || value === false) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problems.push(`${name}: must be an object.`);
      return {};
    }
    const known: readonly string[] = KNOWN[name];
    const path = name === '' ? '' : `${name}.`;
    for (const key of Object.keys(value).filter((one) => !known.includes(one))) {
      this.problems.push(`${path}${key}: no such option; known are ${known.map((one) => path + one).join(', ')}.`);
    }
    return value;
  }

  text(name: string, value: unknown): string | undefined {
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    this.problems.push(`${name}: must be a non-empty string; leave it out when there is none.`);
    return undefined;
  }

  instance<T>(name: string, value: unknown, type: abstract new (...args: any[]) => T): T | undefined {
    if (value === undefined || value instanceof type) return value as T | undefined;
    this.problems.push(`${name}: must be an instance of a class that extends ${type.name}.`);
    return undefined;
  }

  hook<T>(name: string, value: T): T | undefined {
    if (value === undefined || typeof value === 'function') return value;
    this.problems.push(`${name}: must be a function.`);
    return undefined;
  }
}

/**
 * Fills in the defaults and checks everything.
 * @param keyProblems what is wrong with the keys, told in the same message
 * @throws JwtKnoxConfigurationError with every problem found
 */
export function resolveOptions(
  raw: JwtKnoxOptions,
  extras: JwtKnoxExtras,
  keyProblems: readonly string[] = [],
): ResolvedOptions {
  const read = new OptionReader([...keyProblems]);
  const options = read.section<JwtKnoxOptions>('', raw);
  const session = read.section('session', options.session);
  const tokens = lifetimes(read, options);
  const resolved: ResolvedOptions = {
    issuer: read.text('issuer', options.issuer),
    audience: audienceOf(read, options.audience),
    clockTolerance: read.duration('clockTolerance', options.clockTolerance, '0s', true),
    accessTtl: tokens.accessTtl,
    refresh: tokens.refresh,
    session: Object.freeze({
      maxLifetime: tokens.maxLifetime,
      limitPerUser: limitOf(read, session.limitPerUser),
      onLimit: read.choice('session.onLimit', session.onLimit, ['reject', 'evict-oldest'] as const, 'reject'),
      bindUserAgent: read.choice(
        'session.bindUserAgent',
        session.bindUserAgent,
        ['off', 'warn', 'reject'] as const,
        'off',
      ),
      touchInterval: read.duration('session.touchInterval', session.touchInterval, '60s', true),
    }),
    claims: read.hook('claims', options.claims),
    tokenResponse: read.hook('tokenResponse', options.tokenResponse),
    transport: read.instance('transport', options.transport, TokenTransport),
    storageTimeout: read.duration('storageTimeout', options.storageTimeout, '2s'),
    adminTimeout: read.duration('adminTimeout', options.adminTimeout, '30s'),
    clock: read.instance('clock', options.clock, Clock) ?? new SystemClock(),
  };
  checkExtras(read.problems, extras);
  if (read.problems.length > 0) throw new JwtKnoxConfigurationError(read.problems);
  return Object.freeze(resolved);
}

function lifetimes(read: OptionReader, options: Partial<JwtKnoxOptions>) {
  const { problems } = read;
  const known = problems.length;
  const session = options.session ?? {};
  const maxLifetime = read.duration('session.maxLifetime', session.maxLifetime, '30d');
  if (options.refreshToken === false) {
    const accessTtl = read.duration('session.ttl', session.ttl, '10h');
    if (problems.length === known && accessTtl > maxLifetime) {
      problems.push('session.ttl: longer than session.maxLifetime; shorten the one or lengthen the other.');
    }
    return { maxLifetime, accessTtl, refresh: null };
  }
  const accessTtl = read.duration('accessToken.ttl', read.section('accessToken', options.accessToken).ttl, '5m');
  const given = read.section('refreshToken', options.refreshToken);
  const refresh = Object.freeze({
    ttl: read.duration('refreshToken.ttl', given.ttl, '1d'),
    rotate: read.choice('refreshToken.rotate', given.rotate, [true, false], true),
    reuseInterval: read.duration('refreshToken.reuseInterval', given.reuseInterval, '10s', true),
  });
  // Only among lifetimes that could be read: a fallback in place of a mistake would make up further problems.
  if (problems.length === known) {
    if (refresh.reuseInterval > 60_000)
      problems.push("refreshToken.reuseInterval: more than '60s'; a thief could use it too. Shorten it.");
    if (refresh.reuseInterval >= accessTtl)
      problems.push('refreshToken.reuseInterval: not shorter than accessToken.ttl; shorten it.');
    if (accessTtl > refresh.ttl)
      problems.push('accessToken.ttl: longer than refreshToken.ttl; shorten the one or lengthen the other.');
    if (refresh.ttl > maxLifetime)
      problems.push('refreshToken.ttl: longer than session.maxLifetime; shorten the one or lengthen the other.');
  }
  return { maxLifetime, accessTtl, refresh };
}

function audienceOf(read: OptionReader, audience: unknown): readonly string[] {
  if (audience === undefined) return [];
  const list = Array.isArray(audience) ? audience : [audience];
  if (list.length > 0 && list.every((one) => typeof one === 'string' && one !== '')) return Object.freeze([...list]);
  read.problems.push('audience: must be a non-empty string or a list of them; leave it out when there is none.');
  return [];
}

function limitOf(read: OptionReader, limit: unknown): number | null {
  if (limit === undefined || limit === null) return null;
  if (Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= 1_000) return limit as number;
  read.problems.push('session.limitPerUser: must be a whole number from 1 to 1000, or null for no limit.');
  return null;
}

function checkExtras(problems: string[], extras: JwtKnoxExtras): void {
  const routes = extras.routes === false ? null : (extras.routes ?? {});
  const prefix = routes?.prefix;
  if (prefix !== undefined && (typeof prefix !== 'string' || !/^[\w./~-]*$/.test(prefix))) {
    problems.push("routes.prefix: must be a plain path such as 'auth' or 'api/auth'.");
  }
  if (extras.loginGuards?.length && !extras.userProvider) {
    problems.push('loginGuards: need a userProvider, which says the id of the user they authenticated.');
  }
  if (routes?.admin && !extras.userProvider) {
    problems.push('routes.admin: needs a userProvider whose isAdmin(user) says who may use it.');
  }
  if (extras.sessionUser && !extras.sessionEntity) {
    problems.push('sessionUser: names a relation of your own sessionEntity; give that too.');
  }
  if (extras.sessionRepository && (extras.sessionEntity || extras.dataSource)) {
    problems.push('sessionRepository: takes the place of TypeORM; drop it, or sessionEntity and dataSource.');
  }
  if (extras.guard !== undefined && extras.guard !== 'manual' && extras.guard !== 'global') {
    problems.push("guard: must be 'manual' or 'global'.");
  }
}
