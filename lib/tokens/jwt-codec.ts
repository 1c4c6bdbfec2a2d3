import { Inject, Injectable } from '@nestjs/common';
import { TokenRejection } from '../contracts/errors';
import type { Session } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { isSignature, signatureOf } from './algorithms';
import type { KeyringKey } from './key-loader';
import { Keyring } from './keyring';
import type { PublicKeySet } from './jwk';
import {
  type AccessClaims,
  actorIn,
  audienceIn,
  authTimeIn,
  customClaimsOf,
  type Payload,
  payloadOf,
  readClaims,
  type RefreshClaims,
  thumbprintIn,
} from './token-claims';
import { expectedHeaders, headerFor, headerOf, MAX_TOKEN_LENGTH, parseHeader, type TokenType } from './token-header';
import { generateId, isEncodedTokenKey, TokenKey } from './token-key';

/** What to sign. Times are epoch milliseconds. */
export interface TokenContent extends Bound {
  userId: string;
  sessionId: string;
  generation: number;
  issuedAt: number;
  expiresAt: number;
  tokenKey: TokenKey;
}

/** What an access token says beside that. */
export interface AccessContent extends TokenContent {
  /** Space-separated; undefined for none. */
  scope?: string | undefined;
  /** When the credentials were proven; undefined where nobody proved any. */
  authenticatedAt?: number | undefined;
  /** Who acts as the user (RFC 8693 section 4.1). */
  actor?: { userId: string; realm: string } | undefined;
}

/** Which key whoever shows a token must have (RFC 9449 section 6.1); undefined for no such. */
interface Bound {
  boundTo?: string | undefined;
}

/** Signs tokens, and reads them through two gates: the header before the signature, the payload after it. */
@Injectable()
export class JwtCodec {
  private readonly expectedHeaders: Record<TokenType, ReadonlyMap<string, KeyringKey>>;
  /** The claim `realm`; left out of tokens where there is no realm. */
  private readonly realm: string | undefined;

  constructor(
    private readonly keyring: Keyring,
    @Inject(JWT_KNOX_OPTIONS)
    private readonly options: Pick<
      ResolvedOptions,
      'realm' | 'issuer' | 'audience' | 'ownAudience' | 'clockTolerance'
    > & { programs: Pick<ResolvedOptions['programs'], 'prefix'> },
  ) {
    this.realm = options.realm || undefined;
    this.expectedHeaders = { access: expectedHeaders(keyring, 'access'), refresh: expectedHeaders(keyring, 'refresh') };
  }

  get publicKeys(): PublicKeySet {
    return this.keyring.publicKeys;
  }

  /** The header gate: the key that must have signed this token. @throws TokenRejection */
  keyFor(raw: string, type: TokenType): KeyringKey {
    const header = headerOf(raw);
    const known = this.expectedHeaders[type].get(header);
    if (known) return known;
    const { kid, algorithm } = parseHeader(header, type);
    const key = this.keyring.find(kid);
    if (!key) throw new TokenRejection('unknown_key');
    if (key.algorithm !== algorithm) throw new TokenRejection('algorithm');
    return key;
  }

  /**
   * Opens a token: the header gate, then the signature. What comes out passes the payload gate next.
   * @returns the payload, of which nothing but the signature was checked
   * @throws TokenRejection
   */
  open(given: string, type: TokenType): Payload {
    const raw = this.bare(given);
    return opened(this.keyFor(raw, type), raw);
  }

  /** The same for a token whose header was read, and whose key is another's. @throws TokenRejection */
  openWith(key: Pick<KeyringKey, 'algorithm' | 'verifying'>, raw: string): Payload {
    return opened(key, this.bare(raw));
  }

  /** The header gate as far as it goes without the keys. @throws TokenRejection */
  readHeader(raw: string, type: TokenType): { kid: string; algorithm: string } {
    return parseHeader(headerOf(this.bare(raw)), type);
  }

  /**
   * The payload gate for an access token whose signature holds.
   * @param audience of which the token must carry one
   * @throws TokenRejection
   */
  readAccess(members: Payload, now: number, audience = this.options.ownAudience): AccessClaims {
    this.checkOrigin(members, audience);
    const { userId, sessionId, generation, expiresAt, tokenKey } = readClaims(
      members,
      now,
      this.options.clockTolerance,
    );
    // Written out: this runs with every request, and V8 copies members one by one for a spread.
    return {
      userId,
      sessionId,
      generation,
      expiresAt,
      tokenKey,
      audience: audienceIn(members),
      scope: typeof members.scope === 'string' ? members.scope : undefined,
      authenticatedAt: authTimeIn(members),
      actor: actorIn(members),
      boundTo: thumbprintIn(members),
      custom: customClaimsOf(members),
    };
  }

  /**
   * Reads the payload without a signature check. Callers must have the issuer confirm the token before they use it.
   * @throws TokenRejection
   */
  readUnverified(raw: string, now: number): AccessClaims {
    return this.readAccess(payloadOf(this.bare(raw)), now);
  }

  /** The payload gate for a refresh token whose signature holds. @throws TokenRejection */
  readRefresh(members: Payload, now: number): RefreshClaims {
    this.checkOrigin(members, this.options.issuer === undefined ? [] : [this.options.issuer]);
    if (!isEncodedTokenKey(members.session_key)) throw new TokenRejection('claims');
    return {
      ...readClaims(members, now, this.options.clockTolerance),
      sessionKey: TokenKey.decode(members.session_key),
    };
  }

  /** @param audience what the token carries */
  signAccess(
    content: AccessContent,
    custom: Readonly<Record<string, unknown>>,
    audience = this.options.audience,
  ): string {
    const { issuer } = this.options;
    const aud = audience.length > 1 ? audience : audience[0];
    // RFC 9068 section 2.2: users log in at the issuer itself, no other client asks for their tokens.
    const client = issuer !== undefined && aud !== undefined && { client_id: issuer };
    return this.sign('access', { ...custom, ...client, ...this.claimsOf(content, aud), ...rightsOf(content) });
  }

  signRefresh(content: TokenContent, sessionKey: TokenKey): string {
    return this.sign('refresh', { ...this.claimsOf(content, this.options.issuer), session_key: sessionKey.encode() });
  }

  /** What an access token says, its key redacted: for people, of a token that was authenticated. */
  show(raw: string): Record<string, unknown> {
    return { ...payloadOf(this.bare(raw)), token_key: '[redacted]' };
  }

  /** A token without what stands before those for programs. */
  private bare(raw: string): string {
    const { prefix } = this.options.programs;
    return prefix !== '' && raw.startsWith(prefix) ? raw.slice(prefix.length) : raw;
  }

  private claimsOf(content: TokenContent, audience: string | readonly string[] | undefined): Record<string, unknown> {
    return {
      ...(this.options.issuer !== undefined && { iss: this.options.issuer }),
      ...(audience !== undefined && { aud: audience }),
      sub: content.userId,
      sid: content.sessionId,
      jti: generateId(),
      iat: Math.floor(content.issuedAt / 1_000),
      exp: Math.floor(content.expiresAt / 1_000),
      gen: content.generation,
      token_key: content.tokenKey.encode(),
      ...(this.realm !== undefined && { realm: this.realm }),
      ...(content.boundTo !== undefined && { cnf: { jkt: content.boundTo } }),
    };
  }

  private sign(type: TokenType, payload: Record<string, unknown>): string {
    const key = this.keyring.signingKey;
    const input = `${headerFor(key, type)}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
    const token = `${input}.${signatureOf(key.algorithm, key.signing, input).toString('base64url')}`;
    if (token.length > MAX_TOKEN_LENGTH) {
      throw new Error(
        `The ${type} token would have ${token.length} characters, and ${MAX_TOKEN_LENGTH} is the most; make the custom claims smaller.`,
      );
    }
    return token;
  }

  /** `iss`, `realm` and `aud` as configured; a token for another audience is refused though none is configured (RFC 7519 4.1.3). */
  private checkOrigin(members: Payload, audience: readonly string[]): void {
    if (members.iss !== this.options.issuer) throw new TokenRejection('issuer');
    if (members.realm !== this.realm) throw new TokenRejection('realm');
    if (members.aud === undefined && audience.length === 0) return;
    if (!audienceIn(members).some((one) => audience.includes(one))) throw new TokenRejection('audience');
  }
}

/** @throws TokenRejection unless the key made the signature */
function opened({ algorithm, verifying }: Pick<KeyringKey, 'algorithm' | 'verifying'>, raw: string): Payload {
  const end = raw.lastIndexOf('.');
  const signature = Buffer.from(raw.slice(end + 1), 'base64url');
  if (!isSignature(algorithm, verifying, raw.slice(0, end), signature)) throw new TokenRejection('signature');
  return payloadOf(raw);
}

function rightsOf({ scope, authenticatedAt, actor }: AccessContent): Record<string, unknown> {
  return {
    ...(scope !== undefined && { scope }),
    ...(authenticatedAt !== undefined && { auth_time: Math.floor(authenticatedAt / 1_000) }),
    ...actorClaim({ actorId: actor?.userId ?? null, actorRealm: actor?.realm ?? null }),
  };
}

/** The claim `act` (RFC 8693 section 4.1); nothing where nobody acts as the user. */
export function actorClaim({ actorId, actorRealm }: Pick<Session, 'actorId' | 'actorRealm'>): { act?: object } {
  return actorId === null ? {} : { act: { sub: actorId, ...(actorRealm && { realm: actorRealm }) } };
}
