import { Inject, Injectable } from '@nestjs/common';
import { InvalidRequestError, TokenRejection } from '../contracts/errors';
import type { SessionRecord } from '../contracts/session';
import { TokenTransport } from '../contracts/token-transport';
import { presenterOf } from '../guard/request-context';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { RequestDeadline } from '../sessions/request-deadline';
import { SessionChecker } from '../sessions/session-checker';
import { SessionTokens } from '../sessions/session-tokens';
import type { RefreshClaims } from '../tokens/token-claims';
import { type DbscAnswer, LATER, refused } from './dbsc-answer';
import { DbscChallenges, REGISTRATION_MS } from './dbsc-challenges';
import { proofOfNewKey, shownProofIn } from './dbsc-proofs';
import { KeyBinder, type Registration } from './key-binder';

/**
 * `POST dbsc/register`, to which a browser sends its new key after a login. Whatever goes wrong here, the session goes on
 * without a key.
 */
@Injectable()
export class DbscRegistration {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly transport: TokenTransport,
    private readonly tokens: SessionTokens,
    private readonly checker: SessionChecker,
    private readonly challenges: DbscChallenges,
    private readonly binder: KeyBinder,
  ) {}

  async register(request: any): Promise<DbscAnswer> {
    const now = this.options.clock.now();
    const shown = shownProofIn(request);
    if (shown === null) return refused(400);
    try {
      const refreshToken = this.transport.readRefresh(request);
      if (!refreshToken) return refused(401);
      // First: whoever has no session makes the process look at no key.
      const claims = this.tokens.readRefresh(refreshToken, now);
      const proof = proofOfNewKey(shown);
      if (!proof) return refused(401);
      const deadline = new RequestDeadline(this.options.storageTimeout);
      return await deadline.run(async () => {
        const madeAt = this.challenges.madeAt(proof.payload.jti, 'reg', claims.sessionId, now);
        if (madeAt === null) return refused(401);
        const answer = await this.bind(claims, { key: proof.key, madeAt, presenter: presenterOf(request), now });
        deadline.throwIfPassed();
        return answer;
      });
    } catch (error) {
      if (error instanceof TokenRejection) return refused(401);
      if (error instanceof InvalidRequestError) return refused(400);
      throw error;
    }
  }

  private async bind(claims: RefreshClaims, how: Omit<Registration, 'live' | 'claims'>): Promise<DbscAnswer> {
    const { now } = how;
    const read = await this.checker.read(claims);
    const record = this.checker.living(read.record, claims, now);
    if (record.boundKind !== null) return refused(409);
    // Later, whoever has copied the cookies could bind the session to a key of theirs.
    const isYoung = record.kind === 'login' && now - record.createdAt <= REGISTRATION_MS;
    if (!isYoung || !isCurrent(record, claims)) return refused(401);
    const tokens = await this.binder.bind({ ...how, claims, live: { record, user: await read.user() } });
    if (tokens) return { kind: 'renewed', tokens };
    return (await this.checker.readRow(claims)).boundKind === null ? LATER : refused(409);
  }
}

/** Whether the token is the last one of its session, by both of its keys. */
function isCurrent(row: SessionRecord, { tokenKey, sessionKey, generation }: RefreshClaims): boolean {
  const isOfSession = sessionKey.accessKey(row).matches(row.accessDigest);
  return isOfSession && tokenKey.matches(row.refreshDigest) && generation === row.generation;
}
