import { Injectable, NotFoundException } from '@nestjs/common';
import { TokenTransport } from '../contracts/token-transport';
import { actorOf, deadlineOf, currentSessionOf } from '../guard/authenticated-request';
import { SessionNames } from '../sessions/session-names';
import { type Ending, SessionRevoker } from '../sessions/session-revoker';

/** What users do with their own sessions, in requests that the guard let in. */
@Injectable()
export class OwnSessions {
  constructor(
    private readonly revoker: SessionRevoker,
    private readonly names: SessionNames,
    private readonly transport: TokenTransport,
  ) {}

  /** @throws NotFoundException for somebody else's session as for an unknown one */
  async end(id: string, request: unknown, response: unknown): Promise<void> {
    const session = currentSessionOf(request);
    if (!(await this.revoker.one(id, session.userId, endingOf(request, 'logout')))) throw noSuchSession();
    if (id === session.id) await this.transport.clear(response, request);
  }

  async endOthers(request: unknown): Promise<number> {
    return this.revoker.other(currentSessionOf(request), endingOf(request, 'logout_other'));
  }

  async endAll(request: unknown, response: unknown): Promise<number> {
    const count = await this.revoker.all(currentSessionOf(request).userId, endingOf(request, 'logout_all'));
    await this.transport.clear(response, request);
    return count;
  }

  /** @throws NotFoundException for somebody else's session as for an unknown one */
  async rename(id: string, deviceName: string | null, request: unknown): Promise<void> {
    const { userId } = currentSessionOf(request);
    const deadline = deadlineOf(request) ?? this.revoker.newDeadline();
    if (!(await this.names.rename({ id, userId }, deviceName, deadline))) throw noSuchSession();
  }
}

function endingOf(request: unknown, reason: Ending['reason']): Ending {
  const deadline = deadlineOf(request);
  return { reason, actor: actorOf(currentSessionOf(request)), ...(deadline && { deadline }) };
}

function noSuchSession(): NotFoundException {
  return new NotFoundException('There is no such session.');
}
