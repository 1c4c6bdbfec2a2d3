import type { CanActivate, Type } from '@nestjs/common';
import type { Duration } from './duration';

/** Your own guards of one route each, such as a throttler or a captcha: the routes that anybody may call. */
export interface JwtKnoxRouteGuards {
  login?: (Type<CanActivate> | CanActivate)[] | undefined;
  refresh?: (Type<CanActivate> | CanActivate)[] | undefined;
  logout?: (Type<CanActivate> | CanActivate)[] | undefined;
  /** @default those of `login` */
  reauthenticate?: (Type<CanActivate> | CanActivate)[] | undefined;
  introspect?: (Type<CanActivate> | CanActivate)[] | undefined;
  revoke?: (Type<CanActivate> | CanActivate)[] | undefined;
}

/** How `POST login` reads its body. */
export interface JwtKnoxLoginRoute {
  /**
   * The member of the body that holds the username, such as `email`; your `UserProvider` gets it as `username`.
   * @default 'username'
   */
  usernameField?: string | undefined;
}

export interface JwtKnoxRoutes {
  /** The path of all routes. @default 'auth' */
  prefix?: string | undefined;
  /** Login, refresh, logout, verify and sessions. @default true */
  session?: boolean | undefined;
  /** Tokens for programs, that users make for themselves; needs a `userProvider`. @default false */
  tokens?: boolean | undefined;
  /**
   * How long ago users may have proven their credentials to end their sessions on other devices: `logout-other`, `logout-all`
   * and `DELETE sessions/:id` (OWASP ASVS 5.0 V7.5.2). Left out: at any time. @default no such limit
   */
  freshness?: Duration | undefined;
  /** Statistics, purge and other users' sessions; needs `UserProvider.isAdmin`. @default false */
  admin?: boolean | undefined;
  /** `introspect` (RFC 7662), `revoke` (RFC 7009), metadata (RFC 8414); needs `clients` and `issuer`. @default false */
  oauth?: boolean | undefined;
  /** With `oauth`, the metadata at `/.well-known`; an application serves those of one module. By default, as `oauth`. */
  metadata?: boolean | undefined;
  /** `GET /.well-known/jwks.json`: the public keys (RFC 7517); needs an asymmetric key. @default false */
  jwks?: boolean | undefined;
  /**
   * `GET revocations`: tells clients with the right `revocations` which sessions end, as it happens, signed. Needs `clients`,
   * `issuer`, an asymmetric key that signs, and `leaseCache` among the `features`. @default false
   */
  revocations?: boolean | undefined;
  /** `GET debug-verify`: shows what a token says, keys redacted. @default false */
  debug?: boolean | undefined;
  /** What the body of `POST login` looks like. Not beside `loginGuards`, which read it themselves. */
  login?: JwtKnoxLoginRoute | undefined;
  /** Your guards by route: `login`, `refresh`, `logout`, `introspect`, `revoke`. They run before the library's work. */
  guards?: JwtKnoxRouteGuards | undefined;
}

/** Tokens for programs: sessions that no browser holds, for scripts and CI. */
export interface ProgramTokenOptions {
  /**
   * Before each of these tokens, so that scanners of leaked secrets find it: 2 to 32 letters and digits that end in `_`, such
   * as `acme_`. @default none
   */
  prefix?: string | undefined;
  /** How many a user may have at a time, 1 to 1000. @default 50 */
  limitPerUser?: number | undefined;
  /** The scopes to choose from, on the page of devices; any other is refused. @default whatever the session may do */
  scopes?: readonly string[] | undefined;
}
