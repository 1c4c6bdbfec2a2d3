import { Injectable } from '@nestjs/common';
import { cleanText, TEXT_LIMITS } from '../contracts/device';
import { SessionRepository } from '../contracts/session.repository';
import { isSessionId } from '../tokens/token-claims';
import { fromStorage, type RequestDeadline } from './request-deadline';

/** What users call their devices, and have seen of them. */
@Injectable()
export class SessionNames {
  constructor(private readonly repository: SessionRepository) {}

  /** Names the device of a user's own session, cleaned and cut as at login; false when there is no such session. */
  async rename(
    { id, userId }: { id: string; userId: string },
    deviceName: string | null,
    deadline: RequestDeadline,
  ): Promise<boolean> {
    if (!isSessionId(id)) return false;
    const name = cleanText(deviceName, TEXT_LIMITS.deviceName);
    return deadline.run(() => fromStorage(() => this.repository.rename(id, userId, name)));
  }

  /**
   * The user knows that a copy of this session's token was refused.
   * @param until the moment that they saw, epoch ms: what came after it, they have not seen
   */
  async forgetRefusal(
    { id, userId }: { id: string; userId: string },
    until: number,
    deadline: RequestDeadline,
  ): Promise<void> {
    if (!isSessionId(id)) return;
    await deadline.run(() => fromStorage(() => this.repository.forgetRefusal(id, userId, until)));
  }
}
