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

/** The extras, told of when a name is neither an option nor one of them. */
const EXTRA_NAMES = [
  'isGlobal', 'imports', 'userProvider', 'dataSource', 'sessionEntity', 'sessionUser', 'sessionRepository', 'routes', 'guard',
  'loginGuards',
] as const; // prettier-ignore
const ROUTE_SWITCHES = ['session', 'admin', 'debug'];

const LEAST_MS = { zero: 0, 'a millisecond': 1, 'a second': 1_000 };

/** Reads options one by one and notes what is wrong with them. */
class OptionReader {
  constructor(readonly problems: string[]) {}

  /** Milliseconds; NaN when it cannot be read, which makes up no further problem where it is compared. */
  duration(name: string, value: unknown, fallback: string, least: keyof typeof LEAST_MS = 'a millisecond'): number {
    const ms = millisecondsOf(value ?? fallback);
    if (ms !== null && ms >= LEAST_MS[least]) return ms;
    this.problems.push(`${name}: not a duration of ${least} or more; give seconds or a string such as '${fallback}'.`);
    return NaN;
  }

  /** A timer takes no more than 24 days; an hour is more than any request waits. */
  timeout(name: string, value: unknown, fallback: string): number {
    const ms = this.duration(name, value, fallback);
    if (ms > 3_600_000) this.problems.push(`${name}: more than '1h'; shorten it.`);
    return ms;
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
      this.problems.push(`${name || 'options'}: must be an object.`);
      return {};
    }
    const known: readonly string[] = KNOWN[name];
    const path = name === '' ? '' : `${name}.`;
    for (const key of Object.keys(value).filter((one) => !known.includes(one))) {
      const beside = name === '' ? ` Beside them: ${EXTRA_NAMES.join(', ')}.` : '';
      this.problems.push(
        `${path}${key}: no such option; known are ${known.map((one) => path + one).join(', ')}.${beside}`,
      );
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
    clockTolerance: read.duration('clockTolerance', options.clockTolerance, '0s', 'zero'),
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
      touchInterval: read.duration('session.touchInterval', session.touchInterval, '60s', 'zero'),
    }),
    claims: read.hook('claims', options.claims),
    tokenResponse: read.hook('tokenResponse', options.tokenResponse),
    transport: read.instance('transport', options.transport, TokenTransport),
    storageTimeout: read.timeout('storageTimeout', options.storageTimeout, '2s'),
    adminTimeout: read.timeout('adminTimeout', options.adminTimeout, '30s'),
    clock: read.instance('clock', options.clock, Clock) ?? new SystemClock(),
  };
  checkExtras(read.problems, extras);
  if (read.problems.length > 0) throw new JwtKnoxConfigurationError(read.problems);
  return Object.freeze(resolved);
}

function lifetimes(read: OptionReader, options: Partial<JwtKnoxOptions>) {
  const session = options.session ?? {};
  const maxLifetime = read.duration('session.maxLifetime', session.maxLifetime, '30d', 'a second');
  const sessionTtl = read.duration('session.ttl', session.ttl, '10h', 'a second');
  const access = read.section('accessToken', options.accessToken);
  const accessTtl = read.duration('accessToken.ttl', access.ttl, '5m', 'a second');
  const refuse = (isWrong: boolean, problem: string) => isWrong && read.problems.push(problem);
  const longer = (one: string, other: string) => `${one}: longer than ${other}; shorten the one or lengthen the other.`;
  if (options.refreshToken === false) {
    refuse(sessionTtl > maxLifetime, longer('session.ttl', 'session.maxLifetime'));
    return { maxLifetime, accessTtl: sessionTtl, refresh: null };
  }
  const given = read.section('refreshToken', options.refreshToken);
  const ttl = read.duration('refreshToken.ttl', given.ttl, '1d', 'a second');
  const reuseInterval = read.duration('refreshToken.reuseInterval', given.reuseInterval, '10s', 'zero');
  const rotate = read.choice('refreshToken.rotate', given.rotate, [true, false], true);
  const interval = 'refreshToken.reuseInterval';
  refuse(reuseInterval > 60_000, `${interval}: more than '60s'; a thief could use it too. Shorten it.`);
  refuse(reuseInterval >= accessTtl, `${interval}: not shorter than accessToken.ttl; shorten it.`);
  refuse(accessTtl > ttl, longer('accessToken.ttl', 'refreshToken.ttl'));
  refuse(ttl > maxLifetime, longer('refreshToken.ttl', 'session.maxLifetime'));
  return { maxLifetime, accessTtl, refresh: Object.freeze({ ttl, rotate, reuseInterval }) };
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
  checkRoutes(problems, routes);
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

function checkRoutes(problems: string[], routes: unknown): void {
  if (routes === null) return;
  if (typeof routes !== 'object') {
    problems.push('routes: must be an object, or false for no routes.');
    return;
  }
  const { prefix, ...switches } = routes as Record<string, unknown>;
  if (prefix !== undefined && (typeof prefix !== 'string' || !/^[\w./~-]*$/.test(prefix))) {
    problems.push("routes.prefix: must be a plain path such as 'auth' or 'api/auth'.");
  }
  for (const [name, value] of Object.entries(switches)) {
    if (!ROUTE_SWITCHES.includes(name)) {
      problems.push(`routes.${name}: no such option; known are prefix, ${ROUTE_SWITCHES.join(', ')}.`);
    } else if (value !== undefined && typeof value !== 'boolean') {
      problems.push(`routes.${name}: must be true or false.`);
    }
  }
}
