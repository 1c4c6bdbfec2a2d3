import type { KeyObject } from 'node:crypto';
import type { ExecutionContext, Type } from '@nestjs/common';
import type { AddressDetail } from '../contracts/address';
import type { Clock } from '../contracts/clock';
import type { JwtKnoxFeature } from '../contracts/feature';
import type { RegisteredSessionColumns } from '../contracts/registered-types';
import type { Session } from '../contracts/session';
import type { SessionStorage } from '../contracts/session-storage';
import type { UserProvider } from '../contracts/user-provider';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { TokenTransport } from '../contracts/token-transport';
import type { Duration } from './duration';
import type { JwtKnoxRoutes, ProgramTokenOptions } from './route-options';

/** Signature algorithms (RFC 7518 section 3.1; RFC 8037 and RFC 9864: `Ed25519`, which `EdDSA` is the older name of). */
export type JwtKnoxAlgorithm =
  | 'HS256' | 'HS384' | 'HS512'
  | 'RS256' | 'RS384' | 'RS512'
  | 'PS256' | 'PS384' | 'PS512'
  | 'ES256' | 'ES384' | 'ES512'
  | 'Ed25519' | 'EdDSA'; // prettier-ignore

/** Key material: text (PEM for private and public keys), bytes or a KeyObject of `node:crypto`. */
export type KeyMaterial = string | Buffer | KeyObject;

/** One key. HS algorithms take `secret`; all others take `privateKey` (signs and verifies) or `publicKey` (verifies). */
export interface JwtKnoxKey {
  /** Key id: 1–64 letters, digits, `.`, `_` or `-`; goes into the header of every token. */
  kid: string;
  algorithm: JwtKnoxAlgorithm;
  secret?: KeyMaterial | undefined;
  privateKey?: KeyMaterial | undefined;
  publicKey?: KeyMaterial | undefined;
}

/**
 * What a client may do: ask about access tokens (`introspect`, RFC 7662), about refresh tokens too
 * (`introspect_refresh`), end sessions (`revoke`, RFC 7009), hear which sessions end (`revocations`).
 */
export type ClientRight = 'introspect' | 'introspect_refresh' | 'revoke' | 'revocations';

/** A client of `introspect`, `revoke` and `revocations` (RFC 6749 section 2.3.1, `client_secret_basic`): a service that is sent tokens. */
export interface JwtKnoxClient {
  /** 1–128 printable ASCII characters, without `:`, `%` and `+`. */
  id: string;
  /** At least 16 characters, random. Only its digest is stored. */
  secret?: string | undefined;
  /** In place of `secret`: its SHA-256 in lowercase hex, `printf %s "$SECRET" | sha256sum`. */
  secretHash?: string | undefined;
  /** What it may do; at least one right. @default ['introspect'] */
  may?: ClientRight[] | undefined;
}

export interface AccessTokenOptions {
  /** Lifetime of an access token. Not in single-token mode, where it lives as long as its session. @default '5m' */
  ttl?: Duration | undefined;
}

export interface RefreshTokenOptions {
  /** Whether refreshing replaces the refresh token (RFC 9700 section 4.14.2). @default true */
  rotate?: boolean | undefined;
  /**
   * How long a rotated refresh token returns its successor, for tabs that race; 0 to 60 s and shorter than
   * `accessToken.ttl`. 0: every refresh rotates, and only a retry of the same refresh is forgiven. @default '10s'
   */
  reuseInterval?: Duration | undefined;
  /**
   * For how long a client that sends no `Idempotency-Key` may retry after a lost answer, while nobody has used the
   * successor; 0 to 1 day, and longer than `reuseInterval`. 0: clients must send the key. @default '5m'
   */
  retryWindow?: Duration | undefined;
}

export interface SessionOptions {
  /**
   * How long a session lives without being renewed by a rotation of its refresh token or, in single-token mode, without
   * being used (OWASP ASVS 5.0 V7.3.1). By default no longer than `maxLifetime`. @default '1d'
   */
  idleTimeout?: Duration | undefined;
  /** No session outlives this (OWASP ASVS 5.0 V7.3.2); in single-token mode `'10h'` by default. @default '30d' */
  maxLifetime?: Duration | undefined;
  /** No token for a program outlives this; null where each says for itself how long it counts. @default '365d' */
  maxProgramLifetime?: Duration | null | undefined;
  /** Maximum concurrent sessions per user; null for no limit. @default null */
  limitPerUser?: number | null | undefined;
  /** What a login beyond the limit does. @default 'reject' */
  onLimit?: 'reject' | 'evict-oldest' | undefined;
  /** Idle time of a session whose login said `remember: false`. @default '30m' */
  shortIdleTimeout?: Duration | undefined;
  /**
   * How much of a client's address rows and events store: all of it, its network (`192.0.2.0/24`, `2001:db8:1::/48`) or
   * nothing. Addresses are personal data. @default 'full'
   */
  ipAddress?: AddressDetail | undefined;
  /** Require the same user agent as at login; `warn` only emits `user-agent.changed`. @default 'off' */
  bindUserAgent?: 'off' | 'warn' | 'reject' | undefined;
  /** Minimum time between updates of `lastUsedAt`; 0 for every request. @default '60s' */
  touchInterval?: Duration | undefined;
}

/** The options; a factory of `forRootAsync` returns them. */
export interface JwtKnoxOptions<User = any> {
  /** Short for one HS256 key with the kid `default`: at least 32 random bytes. */
  secret?: KeyMaterial | undefined;
  /** The keys; the first that can sign signs, all verify. */
  keys?: JwtKnoxKey[] | undefined;
  /** `iss` of the tokens (RFC 7519 section 4.1.1), and required in them when set. */
  issuer?: string | undefined;
  /** `aud` of the access tokens: all of these, unless a session is issued for less or a refresh asks for less. */
  audience?: string | string[] | undefined;
  /**
   * Which of `audience` are your application itself: guard and routes accept a token only if it carries one of
   * them (RFC 9068 section 4). The first of `audience` when left out.
   */
  ownAudience?: string | string[] | undefined;
  /** Clock skew tolerated when checking `exp`: at most 5 minutes; not applied to sessions. @default '0s' */
  clockTolerance?: Duration | undefined;
  accessToken?: AccessTokenOptions | undefined;
  /** `false`: single-token mode, the access token lives as long as its session. */
  refreshToken?: RefreshTokenOptions | false | undefined;
  session?: SessionOptions | undefined;
  /** Custom claims of the access token, for other applications that share the key. Never authorise by them here. */
  claims?: ((user: User, session: Session) => Record<string, unknown> | Promise<Record<string, unknown>>) | undefined;
  /**
   * Values of columns that your own session entity has beside the library's, for a session that the login route or
   * `TokenService.login` starts. `TokenService.issue` takes them as `columns`.
   */
  sessionColumns?:
    ((user: User, request: any) => RegisteredSessionColumns | Promise<RegisteredSessionColumns>) | undefined;
  /**
   * What a session that the login route or `TokenService.login` starts may do: scopes such as `orders:read` (RFC 6749
   * section 3.3), or null for whatever its user may. `TokenService.issue` takes them as `scopes`. @default null
   */
  scopes?: ((user: User, request: any) => readonly string[] | null | Promise<readonly string[] | null>) | undefined;
  /** Returns the body that answers login and refresh. Not beside `transport`, whose `write` returns the body. */
  tokenResponse?: ((tokens: IssuedTokens, user: User, request: any) => object | Promise<object>) | undefined;
  programTokens?: ProgramTokenOptions | undefined;
  /**
   * Whether staff of another realm may go on acting as users of this one. Asked with each request of an impersonation; staff of
   * this realm are looked up by the `userProvider`.
   */
  isActorActive?: ((actor: { userId: string; realm: string }) => boolean | Promise<boolean>) | undefined;
  /** How tokens are read from requests and sent in responses. @default BearerTransport */
  transport?: TokenTransport | undefined;
  /**
   * Scheme, host and port of your application as its clients see them, such as `https://app.example.com`; several where it
   * has several. Needed where a proxy changes `Host`.
   */
  publicOrigin?: string | string[] | undefined;
  /** Who may use `introspect` and `revoke`; needed by `routes.oauth`. */
  clients?: JwtKnoxClient[] | undefined;
  /** Deadline for all storage and user look-ups of one request; then 503. @default '2s' */
  storageTimeout?: Duration | undefined;
  /** The same for the admin routes. @default '30s' */
  adminTimeout?: Duration | undefined;
  /** Where time is read. @default SystemClock */
  clock?: Clock | undefined;
}

/** Settings that shape the module. They go next to the factory in `forRootAsync`. */
export interface JwtKnoxExtras {
  /** Registers the module globally. @default true */
  isGlobal?: boolean | undefined;
  /**
   * Whose sessions this module keeps, where several share a table: a name for each table of users, such as `customers` and
   * `staff`; at most 64 letters, digits, `.`, `_` and `-`. A session or token of one realm is nothing in another.
   * @default ''
   */
  realm?: string | undefined;
  /** Modules that export the user provider. */
  imports?: any[] | undefined;
  /** A class that an import exports. Without it no login route is mounted and no user is looked up. */
  userProvider?: Type<UserProvider> | undefined;
  /**
   * Where sessions are stored: `typeOrm({ … })` of `nestjs-jwt-knox/typeorm`, or another {@link SessionStorage}.
   * @default typeOrm()
   */
  storage?: SessionStorage | undefined;
  /** Which routes to mount; `false` for none. */
  routes?: JwtKnoxRoutes | false | undefined;
  /** `global` guards every route that is not `@Public()`. @default 'manual' */
  guard?: 'manual' | 'global' | undefined;
  /** A class that extends `RequestContextReader`: finds the request in other contexts. It may inject from `imports`. */
  contextReader?: Type<{ read(context: ExecutionContext): { readonly request: any } }> | undefined;
  /** Additions to this module, each with routes and providers of its own. @default none */
  features?: JwtKnoxFeature[] | undefined;
  /** Guards that authenticate the login in place of username and password; they must set `request.user`. */
  loginGuards?: any[] | undefined;
}

/** Implement it in the class that you pass as `useClass` or `useExisting`. */
export interface JwtKnoxOptionsFactory {
  createJwtKnoxOptions(): JwtKnoxOptions | Promise<JwtKnoxOptions>;
}
