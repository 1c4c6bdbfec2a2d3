import type { AddressDetail } from '../contracts/address';
import { Clock, SystemClock } from '../contracts/clock';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { TokenTransport } from '../contracts/token-transport';
import { checkExtras, EXTRAS, MOVED_TO_STORAGE, routesOf } from './extras';
import { isSet, OptionReader } from './option-reader';
import { programLifetimeOf, programsOf, type ResolvedPrograms } from './resolve-programs';
import type { JwtKnoxExtras, JwtKnoxOptions, SessionOptions } from './options';
import { accessKeyPeriodOf, lifetimes } from './resolve-lifetimes';

/** Injection token of the {@link ResolvedOptions}. */
export const JWT_KNOX_OPTIONS = Symbol('JWT_KNOX_OPTIONS');

/** The options as the library uses them: complete, checked, frozen. Durations are milliseconds. */
export interface ResolvedOptions {
  /** Of the rows and tokens that are this module's; '' where there is none. */
  readonly realm: string;
  readonly issuer: string | undefined;
  /** What access tokens may carry. */
  readonly audience: readonly string[];
  /** What of that an access token must carry to count here; empty where there is no audience. */
  readonly ownAudience: readonly string[];
  readonly clockTolerance: number;
  /** Lifetime of an access token; in single-token mode that of the session. */
  readonly accessTtl: number;
  /** Null in single-token mode. */
  readonly refresh: {
    readonly rotate: boolean;
    readonly reuseInterval: number;
    readonly retryWindow: number;
  } | null;
  readonly session: {
    readonly idleTimeout: number;
    readonly maxLifetime: number;
    /** Infinity where each token says for itself. */
    readonly maxProgramLifetime: number;
    /** Added to the noted last use of a session without a refresh token: a later one may not have been noted. */
    readonly idleGrace: number;
    readonly limitPerUser: number | null;
    readonly onLimit: 'reject' | 'evict-oldest';
    readonly bindUserAgent: 'off' | 'warn' | 'reject';
    readonly touchInterval: number;
    readonly shortIdleTimeout: number;
    readonly ipAddress: AddressDetail;
  };
  /** After how long an access key is replaced with the next access token; null: never. */
  readonly accessKeyPeriod: number | null;
  readonly claims: JwtKnoxOptions['claims'];
  readonly sessionColumns: JwtKnoxOptions['sessionColumns'];
  readonly scopes: JwtKnoxOptions['scopes'];
  readonly programs: ResolvedPrograms;
  readonly isActorActive: JwtKnoxOptions['isActorActive'];
  readonly tokenResponse: JwtKnoxOptions['tokenResponse'];
  readonly transport: TokenTransport | undefined;
  readonly publicOrigins: readonly string[];
  readonly storageTimeout: number;
  readonly adminTimeout: number;
  readonly clock: Clock;
  /** A row may be this far ahead of a request's clock: it waited for the row, or clocks differ a little. */
  readonly clockMargin: number;
  readonly routes: Readonly<ReturnType<typeof routesOf>>;
}

const KNOWN = {
  '': [
    'secret', 'keys', 'issuer', 'audience', 'ownAudience', 'clockTolerance', 'accessToken', 'refreshToken', 'session', 'claims',
    'sessionColumns', 'scopes', 'programTokens', 'isActorActive', 'tokenResponse', 'transport', 'publicOrigin', 'clients', 'storageTimeout', 'adminTimeout', 'clock',
  ],
  accessToken: ['ttl'],
  programTokens: ['prefix', 'limitPerUser', 'scopes'],
  refreshToken: ['rotate', 'reuseInterval', 'retryWindow'],
  session: [
    'idleTimeout', 'maxLifetime', 'maxProgramLifetime', 'limitPerUser', 'onLimit', 'bindUserAgent', 'touchInterval', 'shortIdleTimeout', 'ipAddress',
  ],
} as const; // prettier-ignore

const ON_LIMIT = ['reject', 'evict-oldest'] as const;
const BIND_USER_AGENT = ['off', 'warn', 'reject'] as const;

/** Former names, with what to write instead. */
const RENAMED = {
  ...MOVED_TO_STORAGE,
  'refreshToken.ttl': 'session.idleTimeout',
  'session.ttl': 'session.maxLifetime (the latest end) or session.idleTimeout (the end without use)',
};

/**
 * Fills in the defaults and checks everything.
 * @param problems what is wrong with the keys and clients, told in the same message
 * @throws JwtKnoxConfigurationError with every problem found
 */
export function resolveOptions(
  raw: JwtKnoxOptions,
  extras: JwtKnoxExtras,
  problems: readonly string[] = [],
): ResolvedOptions {
  const read = new OptionReader([...problems], KNOWN, Object.keys(EXTRAS), RENAMED);
  const options = read.section<JwtKnoxOptions>('', raw);
  const session = read.section('session', options.session);
  const tokens = lifetimes(read, options);
  const audience = read.audience('audience', options.audience);
  const resolved: Omit<ResolvedOptions, 'clockMargin' | 'accessKeyPeriod'> = {
    realm: read.realm(extras.realm),
    issuer: read.text('issuer', options.issuer),
    audience,
    ownAudience: ownAudienceOf(read, options.ownAudience, audience),
    clockTolerance: read.duration('clockTolerance', options.clockTolerance, '0s', 'zero'),
    accessTtl: tokens.accessTtl,
    refresh: tokens.refresh,
    session: sessionOf(read, session, tokens.session),
    ...hooksOf(read, options),
    programs: programsOf(read, options.programTokens),
    transport: read.instance('transport', options.transport, TokenTransport),
    publicOrigins: read.origins('publicOrigin', options.publicOrigin),
    storageTimeout: read.duration('storageTimeout', options.storageTimeout, '2s'),
    adminTimeout: read.duration('adminTimeout', options.adminTimeout, '30s'),
    clock: read.instance('clock', options.clock, Clock) ?? new SystemClock(),
    routes: Object.freeze(routesOf(extras.routes, extras.loginGuards)),
  };
  checkIgnored(read.problems, options);
  checkExtras(read.problems, extras, options);
  if (read.problems.length > 0) throw new JwtKnoxConfigurationError(read.problems);
  const clockMargin = Math.max(5_000, resolved.storageTimeout, tokens.refresh?.reuseInterval ?? 0);
  return Object.freeze({ ...resolved, clockMargin, accessKeyPeriod: accessKeyPeriodOf(resolved) });
}

function sessionOf(
  read: OptionReader,
  given: Partial<SessionOptions>,
  lifetimesOf: ReturnType<typeof lifetimes>['session'],
): ResolvedOptions['session'] {
  return Object.freeze({
    ...lifetimesOf,
    maxProgramLifetime: programLifetimeOf(read, given.maxProgramLifetime),
    limitPerUser: limitOf(read, given.limitPerUser),
    onLimit: read.choice('session.onLimit', given.onLimit, ON_LIMIT, 'reject'),
    bindUserAgent: read.choice('session.bindUserAgent', given.bindUserAgent, BIND_USER_AGENT, 'off'),
    ipAddress: read.choice('session.ipAddress', given.ipAddress, ['full', 'prefix', 'none'] as const, 'full'),
  });
}

function hooksOf(read: OptionReader, options: Partial<JwtKnoxOptions>) {
  const { claims, sessionColumns, scopes, tokenResponse, isActorActive } = options;
  return {
    isActorActive: read.hook('isActorActive', isActorActive),
    claims: read.hook('claims', claims),
    sessionColumns: read.hook('sessionColumns', sessionColumns),
    scopes: read.hook('scopes', scopes),
    tokenResponse: read.hook('tokenResponse', tokenResponse),
  };
}

function ownAudienceOf(read: OptionReader, given: unknown, audience: readonly string[]): readonly string[] {
  if (given === undefined) return Object.freeze(audience.slice(0, 1));
  const own = read.audience('ownAudience', given);
  if (!own.every((one) => audience.includes(one))) {
    read.problems.push('ownAudience: not among audience, which lists all that tokens may carry; add it there.');
  }
  return own;
}

/** What is set beside a setting that makes it meaningless: whoever wrote it expects something of it. */
function checkIgnored(problems: string[], options: Partial<JwtKnoxOptions>): void {
  const { ttl } = membersOf(options.accessToken);
  const { rotate, ...ofRotation } = membersOf(options.refreshToken);
  const { limitPerUser, onLimit } = membersOf(options.session);
  if (options.refreshToken === false && isSet(ttl)) {
    problems.push(
      'accessToken.ttl: has no effect with refreshToken: false, where the access token lives as long as its session; ' +
        'set session.maxLifetime instead.',
    );
  }
  for (const name of ['reuseInterval', 'retryWindow'].filter((one) => rotate === false && isSet(ofRotation[one]))) {
    problems.push(`refreshToken.${name}: has no effect with rotate: false; leave one of the two out.`);
  }
  if (ON_LIMIT.some((one) => one === onLimit) && !isSet(limitPerUser)) {
    problems.push('session.onLimit: has no effect without session.limitPerUser; set that too, or leave onLimit out.');
  }
  if (isSet(options.tokenResponse) && isSet(options.transport)) {
    problems.push(
      'tokenResponse: has no effect beside transport, whose write returns the body; return it there, or pass tokenResponse to ' +
        'the constructor of your BearerTransport.',
    );
  }
}

function membersOf(section: unknown): Record<string, unknown> {
  return Object(section) as Record<string, unknown>;
}

function limitOf(read: OptionReader, limit: unknown): number | null {
  if (limit === undefined || limit === null) return null;
  if (Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= 1_000) return limit as number;
  read.problems.push('session.limitPerUser: must be a whole number from 1 to 1000, or null for no limit.');
  return null;
}
