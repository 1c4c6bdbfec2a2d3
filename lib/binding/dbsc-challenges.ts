import { Injectable } from '@nestjs/common';
import type { SessionRecord } from '../contracts/session';
import { type ChallengePurpose, Challenges } from '../tokens/challenge';

/** How long a challenge counts, in milliseconds: to register after a login, and to refresh. */
const TTL = { reg: 120_000, ref: 60_000 } as const satisfies Partial<Record<ChallengePurpose, number>>;

export const REGISTRATION_MS = TTL.reg;

/** The challenges of DBSC: each for one session, and for one of its two purposes. */
@Injectable()
export class DbscChallenges {
  constructor(private readonly challenges: Challenges) {}

  forRegistration(sessionId: string, now: number): string {
    return this.challenges.make('reg', sessionId, now);
  }

  /** After that of the last proof, whichever clock that was made by: one that is not would never be accepted. */
  forRefresh({ id, boundProofAt }: Pick<SessionRecord, 'id' | 'boundProofAt'>, now: number): string {
    return this.challenges.make('ref', id, Math.max(now, (boundProofAt ?? 0) + 1));
  }

  /** When it was made (epoch ms); null for what is none, or counts no more. */
  madeAt(challenge: unknown, purpose: keyof typeof TTL, sessionId: string, now: number): number | null {
    // One of a clock ahead is younger than it looks: it counts until its time has come, and once.
    const use = { purpose, subject: sessionId, ttl: Infinity, ahead: Infinity };
    const madeAt = this.challenges.madeAt(challenge, use, now);
    return madeAt !== null && now - madeAt <= TTL[purpose] ? madeAt : null;
  }
}
