import { randomBytes } from 'node:crypto';
import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import { CookieTransport, type JwtKnoxOptions } from 'nestjs-jwt-knox';
import { databaseOptions } from './database-url.js';
import { EnvReader } from './env-reader.js';
import { natsUrlOf } from './nats-url.js';
import { type SessionCacheConfig, sessionCacheOf } from './session-cache.js';
import { signingKeyOf } from './signing-key.js';
import { frontendOrigins } from '../frontend/frontend-origins.js';

/** The environment as the application uses it. */
export interface AppConfig {
  port: number;
  adapter: 'express' | 'fastify';
  database: TypeOrmModuleOptions;
  /** Whether requests are answered from memory; undefined for not. */
  cache: SessionCacheConfig | undefined;
  /** How passwords are hashed, how many at once, and how many more may wait for it. */
  hashing: { cost: 'normal' | 'low'; atOnce: number | undefined; waiting: number | undefined };
  throttle: boolean;
  /** Whether there are pages for login, devices and administration; they need cookies. */
  pages: boolean;
  /** The single-page application, on a port of its own; undefined for none. */
  frontend: { port: number } | undefined;
  /** Whether Swagger UI is at `/docs`, and the document at `/docs-json`. */
  docs: boolean;
  /** Whether there is `/graphql`. */
  graphql: boolean;
  /** Private key and certificate, as PEM files have them; undefined for http. */
  tls: { key: Buffer; cert: Buffer } | undefined;
  /** Whether sessions are bound to the device that they began on; undefined for not. */
  binding: { policy: 'prefer' | 'require' } | undefined;
  /** Whether everything that the framework tells is printed, and not warnings and errors alone. */
  verbose: boolean;
  debugVerify: boolean;
  /** Whether other services may fetch the public keys, and ask about tokens. */
  routes: { jwks: boolean; oauth: boolean };
  /** The broker over which `/my-orders` asks the second service; null for no such route. */
  natsUrl: string | null;
  /** Whether there is neither `JWT_SECRET` nor `SIGNING_KEY`: then no token survives a restart, and no other process knows it. */
  secretIsRandom: boolean;
  knox: JwtKnoxOptions;
}

export class AppConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The environment is not right:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'AppConfigError';
  }
}

/** @throws AppConfigError with every problem found */
export function readConfig(env: NodeJS.ProcessEnv): AppConfig {
  const read = new EnvReader(env);
  const port = read.integer('PORT', 0, 65_535) ?? 3000;
  const frontend = frontendOf(read, port);
  const database = databaseOf(read);
  const config: AppConfig = {
    port,
    adapter: read.choice('HTTP_ADAPTER', ['express', 'fastify']),
    database,
    cache: sessionCacheOf(read, database),
    hashing: {
      cost: read.choice('PASSWORD_COST', ['normal', 'low']),
      atOnce: read.integer('HASHING_AT_ONCE', 1, 64),
      waiting: read.integer('HASHING_WAITING', 0, 1_000_000),
    },
    pages: pagesOf(read),
    frontend,
    docs: read.choice('DOCS', ['off', 'on']) === 'on',
    tls: tlsOf(read),
    binding: bindingOf(read),
    verbose: read.choice('LOG', ['quiet', 'verbose']) === 'verbose',
    graphql: read.choice('GRAPHQL', ['off', 'on']) === 'on',
    throttle: read.choice('THROTTLE', ['on', 'off']) === 'on',
    debugVerify: read.choice('DEBUG_VERIFY', ['off', 'on']) === 'on',
    routes: { jwks: read.text('SIGNING_KEY') !== undefined, oauth: read.text('ORDERS_SECRET') !== undefined },
    natsUrl: natsUrlOf(read),
    secretIsRandom: read.text('JWT_SECRET') === undefined && read.text('SIGNING_KEY') === undefined,
    knox: { ...knoxOptionsOf(read, frontend), publicOrigin: publicOriginOf(read, port) },
  };
  if (read.problems.length > 0) throw new AppConfigError(read.problems);
  return config;
}

/** Only the form is checked here: whether the lifetimes and the secret make sense, the library knows best. */
function knoxOptionsOf(read: EnvReader, frontend: AppConfig['frontend']): JwtKnoxOptions {
  const ordersSecret = read.text('ORDERS_SECRET');
  return {
    ...keysOf(read),
    transport: transportOf(read, frontend),
    ...(ordersSecret !== undefined && { clients: [{ id: 'orders', secret: ordersSecret }] }),
    issuer: read.text('ISSUER'),
    audience: read.list('AUDIENCE'),
    clockTolerance: read.duration('CLOCK_TOLERANCE'),
    storageTimeout: read.duration('STORAGE_TIMEOUT'),
    accessToken: { ttl: read.duration('ACCESS_TTL') },
    refreshToken: { reuseInterval: read.duration('REUSE_INTERVAL') },
    session: {
      idleTimeout: read.duration('REFRESH_TTL'),
      limitPerUser: read.integer('SESSION_LIMIT', 1, 1_000) ?? null,
      onLimit: read.optionalChoice('ON_LIMIT', ['reject', 'evict-oldest']),
    },
  };
}

/** In a browser, tokens belong into cookies that no script can read; `curl` and other programs get theirs in the body. */
function transportOf(read: EnvReader, frontend: AppConfig['frontend']): CookieTransport | undefined {
  const trustedOrigins = read.list('TRUSTED_ORIGINS');
  const useCookies = read.choice('TRANSPORT', ['cookie', 'bearer']) === 'cookie';
  if (!useCookies && trustedOrigins) read.problem('TRUSTED_ORIGINS: has no effect with TRANSPORT=bearer.', undefined);
  if (!useCookies) return undefined;
  const origins = frontend && frontendOrigins(frontend.port, read.text('TLS_KEY') !== undefined);
  try {
    return new CookieTransport({
      trustedOrigins: [...(trustedOrigins ?? []), ...(origins ? [origins.cookie] : [])],
      bearerOrigins: origins && [origins.bearer],
    });
  } catch {
    return read.problem(
      'TRUSTED_ORIGINS: give origins such as https://app.example.com, with commas between.',
      undefined,
    );
  }
}

/** By default on the port after that of the API; on any where that is any. */
function frontendOf(read: EnvReader, port: number): AppConfig['frontend'] {
  const isOn = read.choice('FRONTEND', ['off', 'on']) === 'on';
  const given = read.integer('FRONTEND_PORT', 0, 65_535);
  return isOn ? { port: given ?? (port === 0 ? 0 : (port + 1) % 65_536) } : undefined;
}

function pagesOf(read: EnvReader): boolean {
  const hasCookies = read.text('TRANSPORT') !== 'bearer';
  const pages = read.optionalChoice('PAGES', ['on', 'off']);
  if (pages === 'on' && !hasCookies) return read.problem('PAGES: on needs TRANSPORT=cookie.', false);
  return hasCookies && pages !== 'off';
}

function tlsOf(read: EnvReader): AppConfig['tls'] {
  const [key, cert] = [read.file('TLS_KEY'), read.file('TLS_CERT')];
  if (key && cert) return { key, cert };
  return key || cert ? read.problem('TLS_KEY and TLS_CERT: give both, or neither.', undefined) : undefined;
}

function bindingOf(read: EnvReader): AppConfig['binding'] {
  const policy = read.choice('BINDING', ['off', 'prefer', 'require']);
  return policy === 'off' ? undefined : { policy };
}

/** What clients call the application: needed where sessions are bound, for proofs name it. */
function publicOriginOf(read: EnvReader, port: number): string[] | undefined {
  const given = read.list('PUBLIC_ORIGIN');
  if (given || read.text('BINDING') === undefined || read.text('BINDING') === 'off') return given;
  if (port === 0) return read.problem('PUBLIC_ORIGIN: set it where PORT is 0 and sessions are bound.', undefined);
  return [`${read.text('TLS_KEY') === undefined ? 'http' : 'https'}://localhost:${port}`];
}

/** A key file in place of the secret, where other services are to verify tokens but not to make them. */
function keysOf(read: EnvReader): Pick<JwtKnoxOptions, 'secret' | 'keys'> {
  const file = read.text('SIGNING_KEY');
  return file === undefined ? { secret: read.text('JWT_SECRET') ?? randomBytes(32) } : { keys: [signingKeyOf(file)] };
}

function databaseOf(read: EnvReader): TypeOrmModuleOptions {
  const options = databaseOptions(read.text('DATABASE_URL'));
  // The value may hold a password: it is not repeated.
  const forms = 'sqlite::memory:, sqlite:/path/to/file, postgres://… or mysql://…';
  return options ?? read.problem(`DATABASE_URL: cannot be read; give one of ${forms}`, {});
}
