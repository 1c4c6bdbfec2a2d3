import { Clock, SystemClock } from '../contracts/clock';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { TokenTransport } from '../contracts/token-transport';
import { ClientCredentials } from './client-credentials';
import { OptionReader } from '../options/option-reader';
import type { ResolvedOptions } from '../options/resolve-options';
import type { JwtKnoxVerifierExtras, JwtKnoxVerifierOptions, VerifierMode } from './verifier.options';

/** The options of a verifier as the library uses them: complete, checked, frozen. Durations are milliseconds. */
export interface ResolvedVerifierOptions extends Pick<
  ResolvedOptions,
  | 'issuer'
  | 'audience'
  | 'ownAudience'
  | 'clockTolerance'
  | 'transport'
  | 'storageTimeout'
  | 'preparedStatements'
  | 'clock'
  | 'clockMargin'
  | 'accessKeyPeriod'
> {
  readonly session: Pick<
    ResolvedOptions['session'],
    'bindUserAgent' | 'touchInterval' | 'maxLifetime' | 'idleGrace' | 'ipAddress'
  >;
  /** Null in another mode. */
  readonly remoteKeys: { uri: string; maxAge: number; cooldown: number; timeout: number } | null;
  /** Null in another mode. */
  readonly introspection: {
    readonly uri: string;
    readonly client: ClientCredentials;
    readonly cacheTtl: number;
    readonly cacheSize: number;
    readonly timeout: number;
  } | null;
}

const COMMON = ['issuer', 'audience', 'clockTolerance', 'transport', 'storageTimeout', 'clock'];
const KNOWN: Record<VerifierMode, readonly string[]> = {
  jwks: [...COMMON, 'jwksUri', 'keysMaxAge', 'keysCooldown', 'timeout', 'allowHttp'],
  introspect: [...COMMON, 'introspectionUri', 'client', 'cacheTtl', 'cacheSize', 'timeout', 'allowHttp'],
  'shared-database': [...COMMON, 'secret', 'keys', 'bindUserAgent', 'preparedStatements'],
};
const EXTRAS = ['mode', 'isGlobal', 'imports', 'userProvider', 'guard'];
const STORAGE_EXTRAS = ['dataSource', 'sessionEntity', 'sessionUser', 'sessionRepository'] as const;
const MODES = Object.keys(KNOWN) as VerifierMode[];

const LOOPBACK = /^(?:(?:.+\.)?localhost|127\.[\d.]+|\[::1\])$/;

type Options = Partial<JwtKnoxVerifierOptions>;

/**
 * Fills in the defaults and checks everything.
 * @param problems what is wrong with the keys, told in the same message
 * @throws JwtKnoxConfigurationError with every problem found
 */
export function resolveVerifierOptions(
  raw: JwtKnoxVerifierOptions,
  extras: JwtKnoxVerifierExtras,
  problems: readonly string[] = [],
): ResolvedVerifierOptions {
  const { mode } = extras;
  const names = mode === 'shared-database' ? [...EXTRAS, ...STORAGE_EXTRAS] : EXTRAS;
  const read = new OptionReader([...problems], { '': KNOWN[mode] ?? Object.values(KNOWN).flat() }, names);
  if (!MODES.includes(mode)) read.problems.push(`mode: must be one of ${MODES.map((one) => `'${one}'`).join(', ')}.`);
  checkExtras(read, extras);
  const options = read.section<JwtKnoxVerifierOptions>('', raw);
  const storageTimeout = read.duration('storageTimeout', options.storageTimeout, '2s');
  const audience = read.audience('audience', options.audience);
  const resolved: ResolvedVerifierOptions = {
    issuer: read.text('issuer', options.issuer),
    audience,
    ownAudience: audience,
    clockTolerance: read.duration('clockTolerance', options.clockTolerance, '0s', 'zero'),
    transport: read.instance('transport', options.transport, TokenTransport),
    storageTimeout,
    clock: read.instance('clock', options.clock, Clock) ?? new SystemClock(),
    clockMargin: Math.max(5_000, storageTimeout),
    accessKeyPeriod: null,
    preparedStatements: read.choice('preparedStatements', options.preparedStatements, [true, false], false),
    session: Object.freeze({
      bindUserAgent: read.choice('bindUserAgent', options.bindUserAgent, ['off', 'warn', 'reject'] as const, 'off'),
      touchInterval: Infinity,
      // The issuer's own: the row says when it ends.
      maxLifetime: Infinity,
      // The most that the issuer's `session.touchInterval` may be.
      idleGrace: 3_600_000,
      ipAddress: 'full' as const,
    }),
    remoteKeys: mode === 'jwks' ? remoteKeysOf(read, options) : null,
    introspection: mode === 'introspect' ? introspectionOf(read, options) : null,
  };
  if (read.problems.length > 0) throw new JwtKnoxConfigurationError(read.problems, 'JwtKnoxVerifierModule');
  return Object.freeze(resolved);
}

function checkExtras(read: OptionReader, extras: JwtKnoxVerifierExtras): void {
  read.choice('guard', extras.guard, ['manual', 'global'], 'manual');
  if (extras.mode !== 'shared-database') {
    const misplaced = STORAGE_EXTRAS.filter((name) => extras[name] !== undefined);
    if (misplaced.length > 0) {
      read.problems.push(`${misplaced.join(', ')}: only mode 'shared-database' reads sessions; leave it out.`);
    }
  }
  if (extras.sessionUser && !extras.sessionEntity) {
    read.problems.push('sessionUser: names a relation of your own sessionEntity; give that too.');
  }
  if (extras.sessionRepository && (extras.sessionEntity || extras.dataSource)) {
    read.problems.push('sessionRepository: takes the place of TypeORM; drop it, or sessionEntity and dataSource.');
  }
}

function remoteKeysOf(read: OptionReader, options: Options): ResolvedVerifierOptions['remoteKeys'] {
  if (options.issuer === undefined) {
    read.problems.push("issuer: missing; mode 'jwks' accepts only tokens that name their issuer. Give its `issuer`.");
  }
  if (options.audience === undefined) {
    read.problems.push(
      "audience: missing; mode 'jwks' accepts only tokens for this service. Give one of the issuer's `audience`.",
    );
  }
  const { issuer } = options;
  const standard = typeof issuer === 'string' && URL.canParse(issuer) ? wellKnown(issuer) : undefined;
  return Object.freeze({
    uri: uriOf(read, 'jwksUri', options.jwksUri ?? standard, options),
    maxAge: read.duration('keysMaxAge', options.keysMaxAge, '5m', 'a second'),
    cooldown: read.duration('keysCooldown', options.keysCooldown, '10s', 'a second'),
    timeout: read.duration('timeout', options.timeout, '2s'),
  });
}

function wellKnown(issuer: string): string {
  return new URL('/.well-known/jwks.json', issuer).href;
}

function introspectionOf(read: OptionReader, options: Options): ResolvedVerifierOptions['introspection'] {
  const { cacheSize = 10_000 } = options;
  const cacheTtl = read.duration('cacheTtl', options.cacheTtl, '0s', 'zero');
  if (!Number.isInteger(cacheSize) || cacheSize < 1 || cacheSize > 1_000_000) {
    read.problems.push('cacheSize: must be a whole number from 1 to 1000000.');
  } else if (cacheTtl === 0 && options.cacheSize !== undefined) {
    read.problems.push('cacheSize: has no effect without cacheTtl; set that too, or leave cacheSize out.');
  }
  return Object.freeze({
    uri: uriOf(read, 'introspectionUri', options.introspectionUri, options),
    client: clientOf(read, options.client),
    cacheTtl,
    cacheSize,
    timeout: read.duration('timeout', options.timeout, '2s'),
  });
}

function clientOf(read: OptionReader, client: unknown): ClientCredentials {
  const { id, secret } = Object(client) as { id?: unknown; secret?: unknown };
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  if (isText(id) && isText(secret) && Object.keys(client as object).length === 2) {
    return new ClientCredentials(id, secret);
  }
  read.problems.push('client: must be { id, secret }, one of the `clients` of the issuer.');
  return new ClientCredentials('', '');
}

/** Tokens and keys travel by TLS; without it only where nothing leaves the machine, or where the host says so. */
function uriOf(read: OptionReader, name: string, uri: unknown, options: Options): string {
  const allowHttp = read.choice('allowHttp', options.allowHttp, [true, false], false);
  if (typeof uri !== 'string' || !URL.canParse(uri)) {
    read.problems.push(`${name}: ${uri === undefined ? 'missing' : 'not a URL'}; give one such as 'https://…'.`);
    return '';
  }
  const { protocol, hostname, username, password, hash } = new URL(uri);
  if (username !== '' || password !== '' || hash !== '') {
    read.problems.push(`${name}: must have no user, password or fragment.`);
  }
  const isSafe = protocol === 'https:' || (protocol === 'http:' && (allowHttp || LOOPBACK.test(hostname)));
  if (!isSafe) read.problems.push(`${name}: must be https; http only on localhost, or with allowHttp: true.`);
  return uri;
}
