import { Clock, SystemClock } from '../contracts/clock';
import { prefixOf } from '../options/resolve-programs';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { TokenTransport } from '../contracts/token-transport';
import type { ClientCredentials } from './client-credentials';
import { clientOf, uriOf } from './issuer-address';
import { type ResolvedRevocations, revocationsOf } from './resolve-revocations';
import { MOVED_TO_STORAGE, storageProblems } from '../options/extras';
import { userProviderProblems } from '../options/user-provider-problems';
import { OptionReader } from '../options/option-reader';
import type { ResolvedOptions } from '../options/resolve-options';
import { VERIFIER_EXTRAS } from './verifier.module-definition';
import type {
  CommonVerifierOptions,
  IntrospectionOptions,
  JwksOptions,
  JwtKnoxVerifierExtras,
  JwtKnoxVerifierOptions,
  StorageVerifierOptions,
} from './verifier.options';

/** The options of a verifier as the library uses them: complete, checked, frozen. Durations are milliseconds. */
export interface ResolvedVerifierOptions extends Pick<
  ResolvedOptions,
  | 'realm'
  | 'issuer'
  | 'audience'
  | 'ownAudience'
  | 'clockTolerance'
  | 'transport'
  | 'storageTimeout'
  | 'clock'
  | 'clockMargin'
  | 'accessKeyPeriod'
  | 'isActorActive'
  | 'publicOrigins'
> {
  readonly programs: Pick<ResolvedOptions['programs'], 'prefix'>;
  readonly session: Pick<
    ResolvedOptions['session'],
    'bindUserAgent' | 'touchInterval' | 'maxLifetime' | 'maxProgramLifetime' | 'idleGrace' | 'ipAddress'
  >;
  /** Null where tokens are verified in another way. */
  readonly remoteKeys: {
    readonly uri: string;
    readonly maxAge: number;
    readonly cooldown: number;
    readonly timeout: number;
    /** Null where the revocation stream is not followed. */
    readonly revocations: ResolvedRevocations | null;
  } | null;
  /** Null where the issuer is not asked. */
  readonly introspection: {
    readonly uri: string;
    readonly client: ClientCredentials;
    readonly cacheTtl: number;
    readonly cacheSize: number;
    readonly timeout: number;
  } | null;
}

const OF_STORAGE = ['secret', 'keys', 'bindUserAgent', 'isActorActive'] as const;
const KNOWN = {
  '': [
    'issuer', 'audience', 'clockTolerance', 'transport', 'storageTimeout', 'clock', 'jwks', 'introspection',
    'programTokens', 'publicOrigin', ...OF_STORAGE,
  ],
  programTokens: ['prefix'],
  jwks: ['uri', 'maxAge', 'cooldown', 'timeout', 'allowHttp', 'revocations'],
  'jwks.revocations': ['uri', 'client', 'onSilence'],
  introspection: ['uri', 'client', 'cacheTtl', 'cacheSize', 'timeout', 'allowHttp'],
} as const; // prettier-ignore

/** Former names, with what to write instead. */
export const RENAMED = {
  ...MOVED_TO_STORAGE,
  mode: 'jwks: {}, introspection: { uri, client } or storage: typeOrm()',
  jwksUri: 'jwks.uri',
  keysMaxAge: 'jwks.maxAge',
  keysCooldown: 'jwks.cooldown',
  introspectionUri: 'introspection.uri',
  client: 'introspection.client',
  cacheTtl: 'introspection.cacheTtl',
  cacheSize: 'introspection.cacheSize',
  timeout: 'jwks.timeout or introspection.timeout',
  allowHttp: 'jwks.allowHttp or introspection.allowHttp',
};

/** All options of the three ways: those of a way that is not taken are refused, and read as left out. */
type Options = Partial<CommonVerifierOptions & Omit<StorageVerifierOptions, 'jwks' | 'introspection'>> & {
  jwks?: JwksOptions;
  introspection?: IntrospectionOptions;
};

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
  const read = new OptionReader([...problems], KNOWN, Object.keys(VERIFIER_EXTRAS), RENAMED);
  const options = read.section<Options>('', raw as Options);
  read.choice('guard', extras.guard, ['manual', 'global'], 'manual');
  read.problems.push(...userProviderProblems(extras.userProvider), ...storageProblems(extras.storage));
  read.problems.push(...wayProblems(options, extras));
  const storageTimeout = read.duration('storageTimeout', options.storageTimeout, '2s');
  const audience = read.audience('audience', options.audience);
  const resolved: ResolvedVerifierOptions = {
    realm: read.realm(extras.realm),
    issuer: read.text('issuer', options.issuer),
    audience,
    ownAudience: audience,
    clockTolerance: read.duration('clockTolerance', options.clockTolerance, '0s', 'zero'),
    transport: read.instance('transport', options.transport, TokenTransport),
    storageTimeout,
    clock: read.instance('clock', options.clock, Clock) ?? new SystemClock(),
    clockMargin: Math.max(5_000, storageTimeout),
    accessKeyPeriod: null,
    publicOrigins: read.origins('publicOrigin', options.publicOrigin),
    isActorActive: read.hook('isActorActive', options.isActorActive),
    programs: { prefix: prefixOf(read, read.section('programTokens', options.programTokens).prefix) },
    session: sessionOf(read, options.bindUserAgent),
    remoteKeys: options.jwks === undefined ? null : remoteKeysOf(read, options, options.jwks),
    introspection: options.introspection === undefined ? null : introspectionOf(read, options.introspection),
  };
  if (read.problems.length > 0) throw new JwtKnoxConfigurationError(read.problems, 'JwtKnoxVerifierModule');
  return Object.freeze(resolved);
}

function sessionOf(read: OptionReader, bindUserAgent: unknown): ResolvedVerifierOptions['session'] {
  return Object.freeze({
    bindUserAgent: read.choice('bindUserAgent', bindUserAgent, ['off', 'warn', 'reject'] as const, 'off'),
    touchInterval: Infinity,
    // The issuer's own: the row says when it ends.
    maxLifetime: Infinity,
    maxProgramLifetime: Infinity,
    // The most that the issuer's `session.touchInterval` may be.
    idleGrace: 3_600_000,
    ipAddress: 'full' as const,
  });
}

/** What is wrong with the way in which tokens are verified: it must be one. */
function wayProblems(options: Partial<Options>, { storage }: JwtKnoxVerifierExtras): string[] {
  const ways = Object.entries({ jwks: options.jwks, introspection: options.introspection, storage })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  // Who hears of ends may ask where it heard too little.
  const asksToo = options.jwks?.revocations && storage === undefined;
  if (ways.length > 1 && !asksToo)
    return [`${ways.join(', ')}: set only one of these; a service verifies tokens in one way.`];
  const unused = OF_STORAGE.filter((name) => storage === undefined && options[name] !== undefined);
  if (unused.length > 0) {
    return [
      `${unused.join(', ')}: no effect without storage; set storage (typeOrm() of 'nestjs-jwt-knox/typeorm') to read the ` +
        "issuer's table, or leave them out.",
    ];
  }
  if (ways.length > 0) return [];
  return [
    "jwks, introspection, storage: none is set; set jwks to check signatures by the issuer's public keys, introspection to " +
      "ask the issuer, or storage to read the issuer's table.",
  ];
}

function remoteKeysOf(read: OptionReader, options: Partial<Options>, given: JwksOptions) {
  if (options.issuer === undefined) {
    read.problems.push(
      "issuer: missing; with jwks, only tokens that name their issuer are accepted. Set the issuer's `issuer`.",
    );
  }
  if (options.audience === undefined) {
    read.problems.push(
      "audience: missing; with jwks, only tokens for this service are accepted. Set one of the issuer's `audience`.",
    );
  }
  const { issuer } = options;
  const jwks = read.section('jwks', given);
  const standard = typeof issuer === 'string' && URL.canParse(issuer) ? wellKnown(issuer) : undefined;
  const allowHttp = read.choice('jwks.allowHttp', jwks.allowHttp, [true, false], false);
  return Object.freeze({
    uri: uriOf(read, jwks.uri ?? standard, { name: 'jwks.uri', allow: 'jwks.allowHttp', allowHttp }),
    maxAge: read.duration('jwks.maxAge', jwks.maxAge, '5m', 'a second'),
    cooldown: read.duration('jwks.cooldown', jwks.cooldown, '10s', 'a second'),
    timeout: read.duration('jwks.timeout', jwks.timeout, '2s'),
    revocations: revocationsOf(read, jwks.revocations, { issuer, introspection: options.introspection, allowHttp }),
  });
}

function wellKnown(issuer: string): string {
  return new URL('/.well-known/jwks.json', issuer).href;
}

function introspectionOf(read: OptionReader, given: IntrospectionOptions) {
  const options = read.section('introspection', given);
  const { cacheSize = 10_000 } = options;
  const cacheTtl = read.duration('introspection.cacheTtl', options.cacheTtl, '0s', 'zero');
  if (!Number.isInteger(cacheSize) || cacheSize < 1 || cacheSize > 1_000_000) {
    read.problems.push('introspection.cacheSize: must be a whole number from 1 to 1000000.');
  } else if (cacheTtl === 0 && options.cacheSize !== undefined) {
    read.problems.push(
      'introspection.cacheSize: has no effect without cacheTtl; set that too, or leave cacheSize out.',
    );
  }
  const allowHttp = read.choice('introspection.allowHttp', options.allowHttp, [true, false], false);
  return Object.freeze({
    uri: uriOf(read, options.uri, { name: 'introspection.uri', allow: 'introspection.allowHttp', allowHttp }),
    client: clientOf(read, 'introspection.client', options.client),
    cacheTtl,
    cacheSize,
    timeout: read.duration('introspection.timeout', options.timeout, '2s'),
  });
}
