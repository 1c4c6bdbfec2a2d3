import { Inject, Injectable } from '@nestjs/common';
import { IssuedTokens } from '../contracts/issued-tokens';
import { type Session, type SessionRecord, sessionOf } from '../contracts/session';
import { JwtCodec } from '../tokens/jwt-codec';
import { type RefreshClaims, RESERVED_CLAIMS } from '../tokens/token-claims';
import type { TokenKey } from '../tokens/token-key';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { audienceOf } from './session-audience';
import { HostErrors } from './host-errors';
import { scopeClaim } from '../contracts/scopes';

/** The keys of one session, alive only while its tokens are made. */
export interface SessionKeys {
  session: TokenKey;
  access: TokenKey;
  /** Null in single-token mode. */
  refresh: TokenKey | null;
}

/** What the tokens of a row say. */
export interface TokenOrder<User> {
  record: SessionRecord;
  user: User;
  keys: SessionKeys;
  /** Epoch milliseconds. */
  now: number;
  /** What the access token is for; left out: all that its session is for. */
  audience?: readonly string[];
}

/** Makes the signed tokens of sessions, and reads those that prolong them. */
@Injectable()
export class SessionTokens {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly codec: JwtCodec,
    private readonly hostErrors: HostErrors,
  ) {}

  /** The claims of a refresh token whose signature holds. @throws TokenRejection */
  readRefresh(token: string, now: number): RefreshClaims {
    return this.codec.readRefresh(this.codec.open(token, 'refresh'), now);
  }

  async sign<User>({ record, user, keys, now, audience }: TokenOrder<User>): Promise<IssuedTokens<User>> {
    const session = sessionOf(record);
    const aud = audience ?? audienceOf(this.options.audience, record.audience);
    const custom = await this.customClaims(user, session, record.claims);
    const accessExpiresAt = keys.refresh ? Math.min(now + this.options.accessTtl, record.expiresAt) : record.expiresAt;
    const content = {
      userId: record.userId,
      sessionId: record.id,
      generation: record.generation,
      issuedAt: now,
      // Of what a browser binds by itself (DBSC), a service that sees the token could ask for no proof.
      boundTo: record.boundKind === 'dpop' ? (record.boundKeyThumbprint ?? undefined) : undefined,
    };
    const rights = { scope: scopeClaim(record.scopes), ...provenanceOf(record) };
    const access = this.codec.signAccess(
      { ...content, ...rights, expiresAt: accessExpiresAt, tokenKey: keys.access },
      custom,
      aud,
    );
    const lifetimes = { accessExpiresIn: wholeSeconds(now, accessExpiresAt) };
    if (!keys.refresh) return new IssuedTokens(session, user, lifetimes, this.marked(access, record));
    const refresh = this.codec.signRefresh(
      { ...content, expiresAt: record.expiresAt, tokenKey: keys.refresh },
      keys.session,
    );
    const refreshExpiresIn = wholeSeconds(now, record.expiresAt);
    return new IssuedTokens(session, user, { ...lifetimes, refreshExpiresIn }, access, refresh);
  }

  /** Scanners of leaked secrets find tokens for programs by what stands before them. */
  private marked(token: string, { kind }: SessionRecord): string {
    return kind === 'program' ? `${this.options.programs.prefix}${token}` : token;
  }

  /** @param claims those that the session was issued with, if any */
  private async customClaims(user: unknown, session: Session, claims: SessionRecord['claims']) {
    const custom = claims ?? (await this.hostErrors.run(() => this.options.claims?.(user, session))) ?? {};
    const reserved = Object.keys(custom).filter((name) => RESERVED_CLAIMS.has(name));
    if (reserved.length === 0) return custom;
    throw new Error(
      `Custom claims must not use the reserved ${reserved.join(', ')}: rename them, for example with your domain in front.`,
    );
  }
}

/** Whose word an access token is: of the user who proved their credentials, of nobody, or of staff who act as the user. */
function provenanceOf({ kind, authenticatedAt, actorId, actorRealm }: SessionRecord) {
  if (kind === 'login') return { authenticatedAt };
  return actorId === null ? {} : { actor: { userId: actorId, realm: actorRealm ?? '' } };
}

function wholeSeconds(from: number, to: number): number {
  return Math.floor(to / 1_000) - Math.floor(from / 1_000);
}
