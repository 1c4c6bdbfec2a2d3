import { Inject, Injectable, Optional } from '@nestjs/common';
import { InvalidTokenError, TokenRejection } from '../contracts/errors';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { HostErrors } from './host-errors';
import { fromStorage } from './request-deadline';
import { endOf } from './session-end';
import { userRejection } from './user-check';

/** Which session somebody acts from who acts as another user. */
export type Acting = Pick<SessionRecord, 'actorId' | 'actorRealm' | 'actorSessionId'>;

/**
 * Whether those who act as other users may go on: as long as the session lives in which they do it, and they are active.
 * Asked with every request, so that an impersonation ends at once with its actor's session.
 */
@Injectable()
export class Actors {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly hostErrors: HostErrors,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** @throws TokenRejection for an actor who may not act any more */
  async check(acting: Acting, claims: { sessionId: string; userId: string }, now: number): Promise<void> {
    if (!(await this.ownSession(acting, now))) throw new TokenRejection('actor_ended', claims);
  }

  /** The actor's own session. @throws InvalidTokenError unless the actor is in a login of their own */
  async requireLogin(acting: Acting): Promise<SessionRecord> {
    const realm = acting.actorRealm ?? '';
    if (realm !== this.options.realm && !this.options.isActorActive) {
      throw new TypeError(
        `impersonate: the actor is of the realm '${realm}'; set the option isActorActive, which says whether they are active.`,
      );
    }
    const own = await this.ownSession(acting, this.options.clock.now());
    if (!own) throw new InvalidTokenError('actor_ended');
    return own;
  }

  /** Null for an actor who may not act. */
  private async ownSession(
    { actorId, actorRealm, actorSessionId }: Acting,
    now: number,
  ): Promise<SessionRecord | null> {
    if (actorId === null || actorSessionId === null) return null;
    const found = await fromStorage(() => this.repository.findById(actorSessionId));
    const record = found?.record;
    if (record?.id !== actorSessionId || record.userId !== actorId || record.realm !== (actorRealm ?? '')) return null;
    if (record.kind !== 'login' || endOf(record, this.options.session) <= now) return null;
    return (await this.isActive(record, found?.user)) ? record : null;
  }

  private async isActive(record: SessionRecord, joined: unknown): Promise<boolean> {
    const { users } = this;
    const { userId, realm } = record;
    if (realm !== this.options.realm) return this.isActiveElsewhere(userId, realm);
    if (!users) return true;
    const user = joined === undefined ? await this.hostErrors.run(() => users.findById(userId)) : joined;
    return userRejection(users, user, record) === null;
  }

  /** Of another module, whose users this one does not know. */
  private async isActiveElsewhere(userId: string, realm: string): Promise<boolean> {
    const { isActorActive } = this.options;
    return isActorActive !== undefined && (await this.hostErrors.run(() => isActorActive({ userId, realm }))) === true;
  }
}
