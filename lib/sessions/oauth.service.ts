import { Inject, Injectable } from '@nestjs/common';
import { TokenRejection } from '../contracts/errors';
import type { SessionRecord } from '../contracts/session';
import type { PublicKeySet } from '../tokens/jwk';
import { actorClaim, JwtCodec } from '../tokens/jwt-codec';
import type { AccessClaims, Payload, RefreshClaims } from '../tokens/token-claims';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { SessionRefresher } from './session-refresher';
import { SessionRevoker } from './session-revoker';
import { SessionChecker } from './session-checker';
import { RequestDeadline } from './request-deadline';
import { scopeClaim } from '../contracts/scopes';

/** What a good token says and its session confirms (RFC 7662 section 2.2); times are seconds since the epoch. */
export interface ActiveToken {
  readonly active: true;
  /** `Bearer` or `DPoP` for an access token. A refresh token has none: it authenticates nothing. */
  readonly token_type?: 'Bearer' | 'DPoP';
  readonly client_id?: string;
  /** The user's id. */
  readonly sub: string;
  /** The session's id. */
  readonly sid: string;
  readonly jti: string;
  readonly iat: number;
  /** When the token or its session ends, whichever comes first. */
  readonly exp: number;
  /** When the user proved their credentials last; left out for refresh tokens, tokens for programs and impersonations. */
  readonly auth_time?: number;
  /** What the session may do, space-separated; `*` for whatever its user may. Left out where that is nothing. */
  readonly scope?: string;
  /** Thumbprint of the key that whoever shows the token must have (RFC 9449 section 6.2); left out where it is bound to none. */
  readonly cnf?: { readonly jkt: string };
  readonly iss?: string;
  readonly realm?: string;
  readonly aud?: string | string[];
  /** The custom claims, as the token says them. */
  readonly [claim: string]: unknown;
}

/** The answer to an introspection. Nothing is told of a token that is not active. */
export type Introspection = ActiveToken | { readonly active: false };

/** What one introspection sets apart. */
export interface IntrospectOptions {
  /** Whether a good refresh token is active; it authenticates nothing, so most callers must not take it. @default false */
  refreshTokens?: boolean | undefined;
}

/** The claims that go into the answer as they are, when the token has them. */
const TOLD = ['client_id', 'jti', 'iat', 'iss', 'aud', 'realm'];

/** A token whose signature and claims hold. */
type Presented = { payload: Payload; now: number } & (
  { type: 'access'; claims: AccessClaims } | { type: 'refresh'; claims: RefreshClaims }
);

/** For clients that hold tokens of others: whether a token is good, and the end of its session. */
@Injectable()
export class OAuthService {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly codec: JwtCodec,
    private readonly checker: SessionChecker,
    private readonly refresher: SessionRefresher,
    private readonly revoker: SessionRevoker,
  ) {}

  /** The public keys, for whoever verifies tokens without asking. */
  publicKeys(): PublicKeySet {
    return this.codec.publicKeys;
  }

  /** By the rule of the guard. A question is no use: it writes nothing, and neither rotates a session nor ends it. */
  async introspect(token: string, { refreshTokens = false }: IntrospectOptions = {}): Promise<Introspection> {
    return this.unlessRejected<Introspection>({ active: false }, async (deadline) => {
      const presented = this.read(token, refreshTokens);
      return answerOf(presented, await deadline.run(() => this.find(presented)));
    });
  }

  /**
   * Ends the session of a token that holds its key (RFC 7009); false for any other token, and when there was none.
   * Users are not asked: the session of an inactive one must not come back to life with them.
   */
  async revoke(token: string): Promise<boolean> {
    return this.unlessRejected(false, async (deadline) => {
      const { type, claims, now } = this.read(token, true);
      // Any refresh token carries the session key, however often it was rotated since.
      const find = () =>
        type === 'access' ? this.checker.findByAccessKey(claims, now) : this.refresher.findMembership(claims, now);
      const { id, userId } = await deadline.run(find).catch((error: unknown) => this.afterItsEnd(error));
      return this.revoker.one(id, userId, { reason: 'revoked', deadline });
    });
  }

  private async afterItsEnd(error: unknown): Promise<never> {
    if (error instanceof TokenRejection) await this.revoker.settledIfEnded(error.reason, () => error.claims?.sessionId);
    throw error;
  }

  private async unlessRejected<T>(otherwise: T, work: (deadline: RequestDeadline) => Promise<T>): Promise<T> {
    try {
      return await work(new RequestDeadline(this.options.storageTimeout));
    } catch (error) {
      if (error instanceof TokenRejection) return otherwise;
      throw error;
    }
  }

  /** The gates, which cost no query; the token's own `typ` says which. @throws TokenRejection */
  private read(token: string, refreshTokens: boolean): Presented {
    const now = this.options.clock.now();
    try {
      const payload = this.codec.open(token, 'access');
      return { type: 'access', payload, claims: this.codec.readAccess(payload, now, this.options.audience), now };
    } catch (error) {
      if (!refreshTokens || !(error instanceof TokenRejection) || error.reason !== 'header') throw error;
    }
    const payload = this.codec.open(token, 'refresh');
    return { type: 'refresh', payload, claims: this.codec.readRefresh(payload, now), now };
  }

  private async find({ type, claims, now }: Presented): Promise<SessionRecord> {
    const { record } =
      type === 'access' ? await this.checker.authenticate(claims, now) : await this.refresher.findUsable(claims, now);
    return record;
  }
}

function answerOf({ type, payload, claims }: Presented, record: SessionRecord): ActiveToken {
  const scope = type === 'access' ? scopeClaim(record.scopes) : undefined;
  const answer = {
    active: true,
    ...(type === 'access' && { token_type: record.boundKind === 'dpop' ? 'DPoP' : 'Bearer' }),
    sub: record.userId,
    sid: record.id,
    exp: Math.floor(Math.min(claims.expiresAt, record.expiresAt) / 1_000),
    ...(type === 'access' && record.kind === 'login' && { auth_time: Math.floor(record.authenticatedAt / 1_000) }),
    // The row's word: whoever has the signing key can write another scope.
    ...(scope !== undefined && { scope }),
    ...(type === 'access' && actorClaim(record)),
    // The row's word again: which key whoever shows the token must have (RFC 9449 section 6.2).
    ...(record.boundKind === 'dpop' && { cnf: { jkt: record.boundKeyThumbprint } }),
    ...Object.fromEntries(Object.entries(payload).filter(([name]) => TOLD.includes(name))),
  };
  // Twice: its own members come first, and no custom claim takes their place.
  return { ...answer, ...(type === 'access' && claims.custom), ...answer } as unknown as ActiveToken;
}
