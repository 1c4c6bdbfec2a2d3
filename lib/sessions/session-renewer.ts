import { Inject, Injectable, Optional } from '@nestjs/common';
import { StorageUnavailableError, TokenRejection } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Session, SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { TokenKey } from '../tokens/token-key';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { firstAccessKey } from './access-keys';
import { endOf, latestEndOf } from './session-end';
import { SessionTokens } from './session-tokens';
import { userRejectionOf, validSinceOf } from './user-check';
import { HostErrors } from './host-errors';
import { fromStorage } from './request-deadline';

/** How often a renewal whose row changed under it reads it again. */
const MAX_ATTEMPTS = 5;

/** Gives a session new keys after its user proved their credentials: what was issued before is worth nothing. */
@Injectable()
export class SessionRenewer {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly tokens: SessionTokens,
    private readonly hostErrors: HostErrors,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** Runs what stores the new credentials. */
  async storeCredentials(store: () => unknown): Promise<void> {
    await this.hostErrors.run(store);
  }

  async isAsRead(session: Session): Promise<boolean> {
    const found = await fromStorage(() => this.repository.findById(session.id));
    const record = found?.record;
    return record?.id === session.id && record.scopes === session.scopes && !isRenewed(record, session);
  }

  /**
   * @param at when the credentials were proven, epoch ms
   * @param asRead the session as it must still be: a proof by somebody else since then makes this one worth nothing
   * @throws TokenRejection when the session has ended, or its user may not use it
   */
  async renew(
    { id, userId }: Pick<Session, 'id' | 'userId'>,
    at: number,
    now: number,
    asRead?: Session,
  ): Promise<IssuedTokens> {
    const claims = { sessionId: id, userId };
    for (let count = 0; count < MAX_ATTEMPTS; count++) {
      const found = await fromStorage(() => this.repository.findById(id));
      const record = found?.record;
      if (!record || record.id !== id) throw new TokenRejection('session_not_found', claims);
      // The same user id in another realm is somebody else.
      if (record.realm !== this.options.realm) throw new TokenRejection('realm', claims);
      if (record.userId !== userId) throw new TokenRejection('user_mismatch', claims);
      // It would turn into one that is refreshed.
      if (record.kind !== 'login') throw new TokenRejection('kind', claims);
      if (endOf(record, this.options.session) <= now) throw new TokenRejection('session_expired', claims);
      if (asRead && isRenewed(record, asRead)) throw new TokenRejection('key_mismatch', claims);
      const { user, since } = await this.userOf(claims);
      // Proven before the credentials changed: the old ones.
      if (asRead && asRead.authenticatedAt < since) throw new TokenRejection('credentials_outdated', claims);
      const authenticatedAt = Math.max(at, since, record.authenticatedAt);
      const tokens = await this.write(record, { authenticatedAt, now, user });
      if (tokens) return tokens;
    }
    throw new StorageUnavailableError(new Error('The session changed under every attempt to renew its keys.'));
  }

  /** Read after the credentials were stored: the moment since which proofs count may have moved on with them. */
  private async userOf(claims: { sessionId: string; userId: string }): Promise<{ user: unknown; since: number }> {
    const { users } = this;
    if (!users) return { user: { id: claims.userId }, since: 0 };
    const user = await this.hostErrors.run(() => users.findById(claims.userId));
    const refusal = userRejectionOf(users, user, claims.userId);
    if (refusal) throw new TokenRejection(refusal, claims);
    return { user, since: validSinceOf(users, user) ?? 0 };
  }

  /** Null when the row changed in between. */
  private async write(
    record: SessionRecord,
    { authenticatedAt, now, user }: { authenticatedAt: number; now: number; user: unknown },
  ): Promise<IssuedTokens | null> {
    const session = TokenKey.generate();
    const access = firstAccessKey(session, now);
    const refresh = this.options.refresh && TokenKey.generate();
    const change = {
      ...access.change,
      refreshDigest: refresh?.digest() ?? null,
      generation: record.generation + 1,
      authenticatedAt,
      expiresAt: latestEndOf(record, this.options.session),
    };
    const current = { ...record, ...change, rotatedAt: null, lastUsedAt: now };
    // Signed before the row is written: a session whose new tokens cannot be signed keeps the keys that it has.
    const keys = { session, access: access.key, refresh };
    const tokens = await this.tokens.sign({ record: current, user, keys, now });
    const renewed = await fromStorage(() => this.repository.renewKeys(record.id, { ...change, at: now }));
    return renewed ? tokens : null;
  }
}

/** Whether a session got new keys by a proof of credentials since it was read; a rotation is none. */
function isRenewed(record: SessionRecord, asRead: Session): boolean {
  if (record.authenticatedAt !== asRead.authenticatedAt) return true;
  return record.generation !== asRead.generation && record.rotatedAt === null;
}
