import type { Clock } from '../contracts/clock';
import type { SessionStorage } from '../contracts/session-storage';
import type { TokenTransport } from '../contracts/token-transport';
import type { Duration } from '../options/duration';
import type { JwtKnoxExtras, JwtKnoxKey, JwtKnoxOptions, KeyMaterial } from '../options/options';

/** What every verifier takes, whichever way it verifies tokens. */
export interface CommonVerifierOptions {
  /** `iss` of the tokens, as the issuer has it. Required with `jwks`. */
  issuer?: string | undefined;
  /** `aud` that this service answers to; one of a token's must be among these. Required with `jwks`. */
  audience?: string | string[] | undefined;
  /** Clock skew tolerated when checking `exp`: at most 5 minutes. @default '0s' */
  clockTolerance?: Duration | undefined;
  /** How credentials travel; only `readAccess` is used. @default BearerTransport */
  transport?: TokenTransport | undefined;
  /** Deadline over the look-ups of one request in the table and of the user; then 503. @default '2s' */
  storageTimeout?: Duration | undefined;
  /** How the issuer marks tokens for programs: its option `programTokens`. */
  programTokens?: { prefix?: string | undefined } | undefined;
  /**
   * Scheme, host and port of this service as clients see them, such as `https://orders.example.com`. Needed for tokens that are
   * bound to a key (DPoP), whose proofs name the address that they are for; without it, they are refused.
   */
  publicOrigin?: string | string[] | undefined;
  /** Where time is read. @default SystemClock */
  clock?: Clock | undefined;
}

/** Where the issuer publishes its keys, and for how long they are kept. */
export interface JwksOptions {
  /** URL of the key set. @default '/.well-known/jwks.json' of the issuer */
  uri?: string | undefined;
  /** Older keys are fetched again before they are used; at most 1 hour. @default '5m' */
  maxAge?: Duration | undefined;
  /** An unknown `kid` makes the keys be fetched again at most once in this time. @default '10s' */
  cooldown?: Duration | undefined;
  /** After which the issuer counts as down. @default '2s' */
  timeout?: Duration | undefined;
  /** Lets keys travel without TLS from other machines. @default false */
  allowHttp?: boolean | undefined;
  /**
   * Hears from the issuer which sessions end, and refuses their tokens; needs `routes.revocations` there. Without it, a
   * logout counts when the token expires. @default false
   */
  revocations?: boolean | RevocationsOptions | undefined;
}

/** How this service hears which sessions end. */
export interface RevocationsOptions {
  /** URL of the stream. @default 'revocations' beside `introspection.uri`, else '/auth/revocations' of the issuer */
  uri?: string | undefined;
  /** Who this service is at the issuer: one of its `clients`, with the right `revocations`. @default introspection.client */
  client?: { id: string; secret: string } | undefined;
  /**
   * What becomes of tokens while the stream does not tell: the issuer is asked (needs `introspection`), the request is
   * refused with 503, or the token counts until it expires. @default 'introspect' with `introspection`, else 'refuse'
   */
  onSilence?: 'introspect' | 'refuse' | 'accept-until-exp' | undefined;
}

/** Where the issuer answers about tokens (RFC 7662), and for how long an answer is kept. */
export interface IntrospectionOptions {
  /** URL of the issuer's endpoint, e.g. `https://auth.example.com/auth/introspect`. */
  uri: string;
  /** Who this service is at the issuer: one of its `clients`. */
  client: { id: string; secret: string };
  /** How long an answer counts, and with it a session that was ended; at most 60 s. @default '0s' */
  cacheTtl?: Duration | undefined;
  /** Most answers kept at once. @default 10000 */
  cacheSize?: number | undefined;
  /** After which the issuer counts as down. @default '2s' */
  timeout?: Duration | undefined;
  /** Lets tokens travel without TLS to other machines. @default false */
  allowHttp?: boolean | undefined;
}

/** Checks signatures by the issuer's published keys. Without `jwks.revocations` nothing else: a logout counts when the token expires. */
export interface JwksVerifierOptions extends CommonVerifierOptions {
  issuer: string;
  audience: string | string[];
  jwks: JwksOptions;
  introspection?: undefined;
  secret?: undefined;
  keys?: undefined;
  bindUserAgent?: undefined;
  isActorActive?: undefined;
}

/** The same, and hears which sessions end; the issuer may be asked about tokens that the stream cannot judge. */
export interface RevocationsVerifierOptions extends Omit<JwksVerifierOptions, 'jwks' | 'introspection'> {
  jwks: JwksOptions & { revocations: boolean | RevocationsOptions };
  introspection?: IntrospectionOptions | undefined;
}

/** Asks the issuer about each token. */
export interface IntrospectionVerifierOptions extends CommonVerifierOptions {
  introspection: IntrospectionOptions;
  jwks?: undefined;
  secret?: undefined;
  keys?: undefined;
  bindUserAgent?: undefined;
  isActorActive?: undefined;
}

/** Reads the issuer's table, by the extra `storage`. Takes `secret` or `keys`. */
export interface StorageVerifierOptions extends CommonVerifierOptions {
  /** The issuer's secret, where it has one. Whoever holds it can sign. */
  secret?: KeyMaterial | undefined;
  /** The issuer's keys; the public half is enough. */
  keys?: JwtKnoxKey[] | undefined;
  /** Require the same user agent as at login. @default 'off' */
  bindUserAgent?: 'off' | 'warn' | 'reject' | undefined;
  /** Whether staff of another realm may go on acting as users of this one: the issuer's option. */
  isActorActive?: JwtKnoxOptions['isActorActive'];
  jwks?: undefined;
  introspection?: undefined;
}

/**
 * What may come from an async factory: how tokens are verified, which is one of three ways.
 *
 * @example
 * const byKeys: JwtKnoxVerifierOptions = { issuer: 'https://auth.example.com', audience: 'orders', jwks: {} };
 * const byIssuer: JwtKnoxVerifierOptions = {
 *   introspection: { uri: 'https://auth.example.com/auth/introspect', client: { id: 'orders', secret } },
 * };
 * const byTable: JwtKnoxVerifierOptions = { keys: [{ kid: 'one', algorithm: 'ES256', publicKey }] }; // beside: storage
 */
export type JwtKnoxVerifierOptions =
  JwksVerifierOptions | RevocationsVerifierOptions | IntrospectionVerifierOptions | StorageVerifierOptions;

/** What shapes the module graph: given beside the options, synchronously, in `forRootAsync` too. */
export interface JwtKnoxVerifierExtras extends Pick<
  JwtKnoxExtras,
  'isGlobal' | 'imports' | 'userProvider' | 'guard' | 'contextReader'
> {
  /** The issuer's `realm`: its tokens are accepted, and no others. @default '' */
  realm?: string | undefined;
  /**
   * Where the issuer stores its sessions, when this service reads them there: `typeOrm()` of `nestjs-jwt-knox/typeorm`, or
   * another storage. Only `findById` is called. Leave it out with `jwks` and `introspection`.
   */
  storage?: SessionStorage | undefined;
}

/** What `JwtKnoxVerifierModule.forRoot` takes: options, and the extras beside them. */
export type JwtKnoxVerifierSettings = Omit<JwtKnoxVerifierExtras, 'storage'> &
  (
    | (JwksVerifierOptions & { storage?: undefined })
    | (RevocationsVerifierOptions & { storage?: undefined })
    | (IntrospectionVerifierOptions & { storage?: undefined })
    | (StorageVerifierOptions & { storage: SessionStorage })
  );

/** Implemented by a class given as `useClass` or `useExisting`. */
export interface JwtKnoxVerifierOptionsFactory {
  createJwtKnoxVerifierOptions(): JwtKnoxVerifierOptions | Promise<JwtKnoxVerifierOptions>;
}
