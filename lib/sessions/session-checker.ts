import { Inject, Injectable, Optional } from '@nestjs/common';
import { TokenRejection, UnauthorizedError } from '../contracts/errors';
import { line } from '../contracts/log-line';
import type { Session, SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import type { AccessClaims, TokenClaims } from '../tokens/token-claims';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { holdsAccessKey } from './access-keys';
import { ThrottledLogger } from './throttled-logger';
import { isIssuedFor } from './session-audience';
import { endOf } from './session-end';
import { fromStorage } from './request-deadline';
import { Actors } from './actors';
import { DeviceCheck } from './device-check';
import type { ShownToken } from './session-binding';
import { SessionCache } from './session-cache';
import { SessionUsers } from './session-users';

/** Whose session is meant, and which. */
export type Named = Pick<TokenClaims, 'sessionId' | 'userId'>;

/** A live session and its user. */
export interface LiveSession<User = any> {
  record: SessionRecord;
  user: User;
}

/** A row that was read for a token. Nothing is known of it yet but that it is there. */
export interface ReadSession {
  record: SessionRecord;
  /** The user of the row, whose look-up began beside the row's. @throws TokenRejection when nobody may use it */
  user(): Promise<unknown>;
}

/**
 * The one validity rule, for every way a token comes in: the row lives and is the token's own, and its user may use it.
 * Identity comes from the row and the user, never from a claim alone.
 */
@Injectable()
export class SessionChecker {
  private readonly clockLog = new ThrottledLogger(SessionChecker.name, 60_000);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly devices: DeviceCheck,
    private readonly actors: Actors,
    private readonly users: SessionUsers,
    @Optional() private readonly cache?: SessionCache,
  ) {}

  /** The session and user of an access token, by the storage. @throws TokenRejection, or a 503 when it fails */
  async authenticate(claims: AccessClaims, now: number): Promise<LiveSession> {
    const read = await this.read(claims);
    const record = this.ofAccessToken(read.record, claims, now);
    const user = await read.user();
    if (record.kind === 'impersonation') await this.checkActor(record, claims, now);
    return { record, user };
  }

  /** The same, from memory as far as that may answer. What memory would refuse, the storage is asked for. */
  async authenticateKnown(claims: AccessClaims, now: number): Promise<LiveSession> {
    const record = this.recallRow(claims, now);
    if (record) {
      const user = this.users.areProvided ? await this.users.find(record.userId) : this.users.recall(record);
      if (!this.users.rejectionOf(user, record)) {
        this.cache?.noteAnswer(true);
        return { record, user: this.users.shown(user) };
      }
    }
    this.cache?.noteAnswer(false);
    const live = await this.authenticate(claims, now);
    return { record: live.record, user: this.users.shown(live.user) };
  }

  /** The same without waiting, the device checked too: undefined where memory alone does not accept. */
  recall(claims: AccessClaims, shown: ShownToken, now: number): LiveSession | undefined {
    const record = this.recallRow(claims, now);
    const user = record && this.users.recall(record);
    if (user === undefined) return undefined;
    return unlessRejected(() => {
      this.devices.ask(record!, { ...shown, user });
      this.cache!.noteAnswer(true);
      return { record: record!, user };
    });
  }

  private recallRow(claims: AccessClaims, now: number): SessionRecord | undefined {
    const known = this.cache?.recall(claims.sessionId, claims.generation);
    return known && unlessRejected(() => this.ofAccessToken(ownRow(known, claims, this.options.realm), claims, now));
  }

  /** The row of an access token that holds its key, whoever its user is. @throws TokenRejection, or a 503 */
  async findByAccessKey(claims: AccessClaims, now: number): Promise<SessionRecord> {
    return this.ofAccessToken(await this.readRow(claims), claims, now);
  }

  /** Reads row and user side by side. What comes of the user counts only after the row's verdict. */
  async read(claims: Named): Promise<ReadSession> {
    const { users } = this;
    const lookup = users.areProvided && !this.repository.joinsUser ? users.find(claims.userId) : undefined;
    lookup?.catch(() => undefined);
    const found = await fromStorage(() => this.repository.findById(claims.sessionId));
    const record = ownRow(found?.record, claims, this.options.realm);
    const user = async () => {
      if (!users.areProvided) return { id: record.userId };
      const known = await (lookup ?? found?.user);
      const refusal = users.rejectionOf(known, record);
      if (refusal) throw new TokenRejection(refusal, claims);
      return known;
    };
    return { record, user };
  }

  /** The row alone, for what needs the proof of a key only. @throws TokenRejection, or a 503 */
  async readRow(claims: TokenClaims): Promise<SessionRecord> {
    const found = await fromStorage(() => this.repository.findById(claims.sessionId));
    return ownRow(found?.record, claims, this.options.realm);
  }

  /** The row as far as it lives: to its own end, or to what the options say now. @throws TokenRejection */
  living(record: SessionRecord, claims: Named, now: number): SessionRecord {
    if (record.userId !== claims.userId) throw new TokenRejection('user_mismatch', claims);
    const end = endOf(record, this.options.session);
    if (end <= now) throw new TokenRejection('session_expired', claims);
    if (record.lastUsedAt > now + this.options.clockMargin) this.warnOfClocks(record.lastUsedAt - now);
    return end < record.expiresAt ? { ...record, expiresAt: end } : record;
  }

  /** That who acts as the user, where somebody does, may go on. @throws TokenRejection, or a 503 */
  async checkActor(record: SessionRecord, claims: Named, now: number): Promise<void> {
    if (record.kind === 'impersonation') await this.actors.check(record, claims, now);
  }

  /** That the token is shown at the device of its session. @throws TokenRejection, BindingError */
  checkDevice({ record, user }: LiveSession, shown: ShownToken): void {
    this.devices.check(record, { ...shown, user });
  }

  /** The same for an end, which asks for the key of a bound session and nothing else. */
  checkDeviceToEnd(record: SessionRecord, shown: ShownToken): void {
    this.devices.requireKey(record, shown);
  }

  /** The token's own row, as far as it lives. @throws TokenRejection */
  private ofAccessToken(record: SessionRecord, claims: AccessClaims, now: number): SessionRecord {
    this.checkAccessKey(record, claims, now);
    return this.living(record, claims, now);
  }

  private checkAccessKey(record: SessionRecord, claims: AccessClaims, now: number): void {
    // Only the key of a login changes: what nobody refreshes keeps the one that it has.
    const period = record.kind === 'login' ? this.options.accessKeyPeriod : null;
    if (!holdsAccessKey(record, claims.tokenKey, now, period)) throw new TokenRejection('key_mismatch', claims);
    // The row's word, not the claim's: whoever has the signing key can write another `aud`.
    if (!isIssuedFor(record.audience, claims.audience)) throw new TokenRejection('audience', claims);
  }

  private warnOfClocks(ahead: number): void {
    const seconds = Math.round(ahead / 1_000);
    this.clockLog.write(
      'warn',
      line(
        'clocks-differ',
        `The clocks of the servers differ, or this one was set back: a session was used ${seconds} s in the future. Keep them right with NTP.`,
      ),
    );
  }
}

/** The row of this session, if it is this module's. @throws TokenRejection */
export function ownRow(record: SessionRecord | undefined, claims: Named, realm: string): SessionRecord {
  if (!record) throw new TokenRejection('session_not_found', claims);
  // The id again: some databases compare strings without case or trailing spaces.
  if (record.id !== claims.sessionId) throw new TokenRejection('key_mismatch', claims);
  if (record.realm !== realm) throw new TokenRejection('realm', claims);
  return record;
}

/** Memory refuses nobody: undefined stands for what the storage is to be asked. */
function unlessRejected<T>(check: () => T): T | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof TokenRejection || error instanceof UnauthorizedError) return undefined;
    throw error;
  }
}

/** What a user presents after steps 1–10: who, in which session, with which custom claims. */
export interface Authentication<User = any, KnownSession = Session> {
  readonly user: User;
  readonly session: KnownSession;
  /** The custom claims: protected by the signature only. Never authorise by them. */
  readonly claims: Readonly<Record<string, unknown>>;
}
