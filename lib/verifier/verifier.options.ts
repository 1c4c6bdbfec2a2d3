import type { Type } from '@nestjs/common';
import type { Clock } from '../contracts/clock';
import type { TokenTransport } from '../contracts/token-transport';
import type { Duration } from '../options/duration';
import type { JwtKnoxExtras, JwtKnoxKey, KeyMaterial } from '../options/options';

/** Where a verifier looks: in the issuer's published keys, at the issuer itself, or in the issuer's table. */
export type VerifierMode = 'jwks' | 'introspect' | 'shared-database';

/** What may come from an async factory. Which options there are depends on the mode. */
export interface JwtKnoxVerifierOptions {
  /** `iss` of the tokens, as the issuer has it. Required in mode `jwks`. */
  issuer?: string;
  /** `aud` that this service answers to; one of a token's must be among these. Required in mode `jwks`. */
  audience?: string | string[];
  /** How far `exp` may lie back, for clocks that differ: at most 5 minutes. @default '0s' */
  clockTolerance?: Duration;
  /** How credentials travel; only `readAccess` is used. @default BearerTransport */
  transport?: TokenTransport;
  /** Deadline over the look-ups of one request in the table and of the user; then 503. @default '2s' */
  storageTimeout?: Duration;
  /** Where time is read. @default SystemClock */
  clock?: Clock;

  /** `jwks`: where the keys are. @default '/.well-known/jwks.json' of the issuer */
  jwksUri?: string;
  /** `jwks`: older keys are asked for again before they are used; at most 1 hour. @default '5m' */
  keysMaxAge?: Duration;
  /** `jwks`: a `kid` that is not known makes the keys be asked for again at most once in this time. @default '10s' */
  keysCooldown?: Duration;

  /** `introspect`: where the issuer answers (RFC 7662), e.g. `https://auth.example.com/auth/introspect`. */
  introspectionUri?: string;
  /** `introspect`: who this service is at the issuer: one of its `clients`. */
  client?: { id: string; secret: string };
  /** `introspect`: how long an answer counts, and with it a session that was ended; at most 60 s. @default '0s' */
  cacheTtl?: Duration;
  /** `introspect`: most answers kept at once. @default 10000 */
  cacheSize?: number;

  /** `jwks`, `introspect`: after which the issuer counts as down. @default '2s' */
  timeout?: Duration;
  /** `jwks`, `introspect`: lets tokens and keys travel without TLS to other machines. @default false */
  allowHttp?: boolean;

  /** `shared-database`: the issuer's secret, where it has one. Whoever holds it can sign. */
  secret?: KeyMaterial;
  /** `shared-database`: the issuer's keys; the public half is enough. */
  keys?: JwtKnoxKey[];
  /** `shared-database`: whether a token counts only with the login's user-agent. @default 'off' */
  bindUserAgent?: 'off' | 'warn' | 'reject';
  /** `shared-database`: sends the look-up of a session as a prepared statement. @default false */
  preparedStatements?: boolean;
}

/** What shapes the module graph: given beside the options, synchronously, in `forRootAsync` too. */
export interface JwtKnoxVerifierExtras extends Pick<JwtKnoxExtras, 'isGlobal' | 'imports' | 'userProvider' | 'guard'> {
  /** How tokens are verified. */
  mode: VerifierMode;
  /** `shared-database`: name of the TypeORM data source; the default one when left out. */
  dataSource?: string;
  /** `shared-database`: an entity of the host's that extends `JwtKnoxSessionBase`. @default JwtKnoxSession */
  sessionEntity?: Type<object>;
  /** `shared-database`: the relation of `sessionEntity` to the user. */
  sessionUser?: string;
  /** `shared-database`: a storage of the host's own, in place of TypeORM. Only `findById` is called. */
  sessionRepository?: JwtKnoxExtras['sessionRepository'];
}

/** Implemented by a class given as `useClass` or `useExisting`. */
export interface JwtKnoxVerifierOptionsFactory {
  createJwtKnoxVerifierOptions(): JwtKnoxVerifierOptions | Promise<JwtKnoxVerifierOptions>;
}
