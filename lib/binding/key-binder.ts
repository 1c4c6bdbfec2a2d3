import { Inject, Injectable } from '@nestjs/common';
import { JwtKnoxEvents } from '../contracts/events';
import { cleanPresenter, type Presenter } from '../contracts/device';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { fromStorage } from '../sessions/request-deadline';
import type { LiveSession } from '../sessions/session-checker';
import { SessionTokens } from '../sessions/session-tokens';
import type { DeviceKey } from '../tokens/possession-proof';
import type { RefreshClaims } from '../tokens/token-claims';
import { generateSalt } from '../tokens/token-key';

/** Since when a bound session is refreshed with a proof only. */
export type EnforceFrom = 'first-proof' | 'registration';

/** Injection token of the {@link EnforceFrom}. */
export const ENFORCE_FROM = Symbol('ENFORCE_FROM');

/** A session that is to be bound, and by whom. */
export interface Registration {
  readonly live: LiveSession;
  readonly claims: RefreshClaims;
  readonly key: DeviceKey;
  /** When the challenge was made that the key has signed, epoch ms. */
  readonly madeAt: number;
  readonly presenter: Presenter;
  /** The arrival, epoch ms. */
  readonly now: number;
}

/** Binds a session to the key of a browser. Its refresh token rotates with it: what was copied before is worth nothing. */
@Injectable()
export class KeyBinder {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly tokens: SessionTokens,
    private readonly events: JwtKnoxEvents,
    @Inject(ENFORCE_FROM) private readonly enforceFrom: EnforceFrom,
  ) {}

  /** Null when the session changed, or was bound, in between. */
  async bind(registration: Registration): Promise<IssuedTokens | null> {
    const { live, claims, now } = registration;
    const { record, user } = live;
    const refreshSalt = generateSalt();
    const refresh = claims.tokenKey.successor(refreshSalt);
    const change = { ...this.changeOf(registration), refreshDigest: refresh.digest(), refreshSalt };
    const current = { ...record, ...change, rotatedAt: now, lastUsedAt: now };
    const keys = { session: claims.sessionKey, access: claims.sessionKey.accessKey(record), refresh };
    // Signed before the row is written: a session whose new tokens cannot be signed stays as it is.
    const tokens = await this.tokens.sign({ record: current, user, keys, now });
    const binding = { ...change, at: now };
    if (!(await fromStorage(() => this.repository.bindKey(record.id, record.refreshDigest!, binding)))) return null;
    this.events.emit('session.bound', { session: tokens.session, kind: 'dbsc' });
    return tokens;
  }

  private changeOf({ live: { record }, key, madeAt, presenter, now }: Registration) {
    const seen = cleanPresenter(presenter, this.options.session.ipAddress);
    return {
      boundKind: 'dbsc',
      boundKey: key.jwk,
      boundKeyThumbprint: key.thumbprint,
      boundAt: now,
      boundProofAt: this.enforceFrom === 'registration' ? madeAt : null,
      previousRefreshDigest: record.refreshDigest!,
      rotationKeyDigest: null,
      generation: record.generation + 1,
      expiresAt: record.expiresAt,
      lastUserAgent: seen.userAgent,
      lastIpAddress: seen.ip,
    };
  }
}
