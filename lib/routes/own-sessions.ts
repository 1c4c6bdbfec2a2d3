import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import { ForbiddenError, InsufficientUserAuthenticationError } from '../contracts/rights-errors';
import type { Session } from '../contracts/session';
import { isFresh } from '../guard/route-rights';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { TokenTransport } from '../contracts/token-transport';
import { actorOf, deadlineOf, currentSessionOf } from '../guard/authenticated-request';
import { SessionList } from '../sessions/session-list';
import { SessionNames } from '../sessions/session-names';
import { type Ending, HELD_BY_PEOPLE, SessionRevoker } from '../sessions/session-revoker';

/** The greatest limit that there can be. */
const MOST_PROGRAMS = 1_000;

/** What users do with their own sessions, in requests that the guard let in. */
@Injectable()
export class OwnSessions {
  constructor(
    private readonly revoker: SessionRevoker,
    private readonly names: SessionNames,
    private readonly list: SessionList,
    private readonly transport: TokenTransport,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws NotFoundException for somebody else's session as for an unknown one */
  async end(id: string, request: unknown, response: unknown, isProven = false): Promise<void> {
    const session = currentSessionOf(request);
    if (id !== session.id && !isProven) this.requireFresh(session);
    const ending = endingOf(request, 'logout');
    // Staff who act as the user see no tokens for programs, and end none.
    const kinds = session.kind === 'login' ? undefined : HELD_BY_PEOPLE;
    if (!(await this.revoker.one(id, session.userId, ending, kinds))) throw noSuchSession();
    if (id === session.id) await this.transport.clear(response, request);
  }

  /** @param isProven whether the user has just proven their credentials */
  async endOthers(request: unknown, isProven = false): Promise<number> {
    const session = currentSessionOf(request);
    if (!isProven) this.requireFresh(session);
    return this.revoker.other(session, endingOf(request, 'logout_other'));
  }

  /** How many tokens for programs the user has; null where the user has no way to see them. */
  async countPrograms(request: unknown): Promise<number | null> {
    const { userId, kind } = currentSessionOf(request);
    if (!this.options.routes.tokens || kind !== 'login') return null;
    const query = { kinds: ['program'] as const, limit: MOST_PROGRAMS };
    return (await this.list.of(userId, query, deadlineOf(request))).length;
  }

  async endAll(request: unknown, response: unknown, isProven = false): Promise<number> {
    const session = currentSessionOf(request);
    if (!isProven) this.requireFresh(session);
    const count = await this.revoker.all(session.userId, endingOf(request, 'logout_all'), {
      ...(session.kind !== 'login' && { kinds: HELD_BY_PEOPLE }),
    });
    await this.transport.clear(response, request);
    return count;
  }

  /** Whether the user must prove their credentials again before they end sessions on other devices. */
  needsProof(session: Session): boolean {
    const { clock, routes } = this.options;
    return routes.freshness !== null && !isFresh(session, routes.freshness, clock.now());
  }

  /** @throws InsufficientUserAuthenticationError */
  requireFresh(session: Session): void {
    if (this.needsProof(session)) throw new InsufficientUserAuthenticationError(this.options.routes.freshness!);
  }

  /** @throws NotFoundException for somebody else's session as for an unknown one */
  async rename(id: string, deviceName: string | null, request: unknown): Promise<void> {
    const { userId, kind } = currentSessionOf(request);
    // What staff call an impersonation is why they act as the user.
    if (kind !== 'login') throw new ForbiddenError('Only the user can name their devices.');
    const deadline = deadlineOf(request) ?? this.revoker.newDeadline();
    if (!(await this.names.rename({ id, userId }, deviceName, deadline))) throw noSuchSession();
  }

  /**
   * Takes away the note that a copy of a session's token was refused; nothing happens where there is none any more.
   * @param until the moment that the user saw, epoch ms
   */
  async forgetRefusal(id: string, until: number, request: unknown): Promise<void> {
    const { userId, kind } = currentSessionOf(request);
    // What happened to a user's sessions, staff cannot hide from them.
    if (kind !== 'login') throw new ForbiddenError('Only the user can do this.');
    if (!Number.isSafeInteger(until) || until < 0) throw new InvalidRequestError('refused_at must be a moment.');
    await this.names.forgetRefusal({ id, userId }, until, deadlineOf(request) ?? this.revoker.newDeadline());
  }
}

/** Of what the user of a request ends in it. */
export function endingOf(request: unknown, reason: Ending['reason']): Ending {
  const deadline = deadlineOf(request);
  return { reason, actor: actorOf(currentSessionOf(request)), ...(deadline && { deadline }) };
}

function noSuchSession(): NotFoundException {
  return new NotFoundException('There is no such session.');
}
