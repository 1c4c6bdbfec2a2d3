import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Presenter } from '../contracts/device';
import { type Session, type SessionRecord, sessionOf } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { JwtCodec } from '../tokens/jwt-codec';
import type { AccessClaims } from '../tokens/token-claims';
import { LastUsed } from './last-used';
import { TokenRejections } from './rejections';
import { RequestDeadline } from './request-deadline';
import { type Authentication, type LiveSession, SessionChecker } from './session-checker';
import { SessionCache } from './session-cache';
import { type HowToVerify, TokenVerifier } from './token-verifier';

/** What came of a request, and what is left of its time. Hidden, so that whoever prints it prints no timer. */
class TimedAuthentication implements Authentication {
  readonly #deadline: RequestDeadline | undefined;
  readonly #tokenEnd: number;

  constructor(
    readonly user: any,
    readonly session: Session,
    readonly claims: Readonly<Record<string, unknown>>,
    deadline: RequestDeadline | undefined,
    tokenEnd: number,
  ) {
    this.#deadline = deadline;
    this.#tokenEnd = tokenEnd;
  }

  static deadlineBehind(value: object): RequestDeadline | undefined {
    return #deadline in value ? value.#deadline : undefined;
  }

  static tokenEndBehind(value: object): number | undefined {
    return #tokenEnd in value ? value.#tokenEnd : undefined;
  }
}

/** What is left of the time of the request that was authenticated; undefined where its time is not kept. */
export function deadlineBehind(authentication: object): RequestDeadline | undefined {
  return TimedAuthentication.deadlineBehind(authentication);
}

/** When the token that was shown expires (epoch ms); undefined where no token of this module's was. */
export function tokenEndBehind(authentication: object): number | undefined {
  return TimedAuthentication.tokenEndBehind(authentication);
}

/**
 * The one door: from a raw access token to its session and user, by the row. Guard, strategy, `TokenService` and services
 * that share the table all come through here.
 */
@Injectable()
export class AccessTokenVerifier extends TokenVerifier<any, Session> {
  /** @param lastUsed not there in services that only read */
  constructor(
    @Inject(JWT_KNOX_OPTIONS)
    private readonly options: Pick<ResolvedOptions, 'clock' | 'clockTolerance' | 'storageTimeout'>,
    private readonly codec: JwtCodec,
    private readonly checker: SessionChecker,
    rejections: TokenRejections,
    @Optional() private readonly lastUsed?: LastUsed,
    @Optional() private readonly cache?: SessionCache,
  ) {
    super(rejections);
  }

  override get recalls(): boolean {
    return this.cache !== undefined;
  }

  override recall(token: string, presenter?: Presenter): Authentication | undefined {
    const now = this.options.clock.now();
    const claims = this.knownClaims(token, now);
    const live = claims && this.checker.recall(claims, { use: 'access', accessToken: token, presenter }, now);
    return live && this.noted(live, claims, now);
  }

  protected async check(token: string, presenter?: Presenter, how?: HowToVerify): Promise<Authentication> {
    const now = this.options.clock.now();
    const claims = this.knownClaims(token, now) ?? this.openedClaims(token, now);
    const mayRecall = this.cache && how?.authoritative !== true;
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const find = () =>
      mayRecall ? this.checker.authenticateKnown(claims, now) : this.checker.authenticate(claims, now);
    const live = await deadline.run(find);
    this.checker.checkDevice(live, { use: 'access', accessToken: token, presenter });
    return this.noted(live, claims, now, deadline);
  }

  /** Of a text whose signature and claims were checked here before, and which has not expired since. */
  private knownClaims(token: string, now: number): AccessClaims | undefined {
    const claims = this.cache?.claimsOf(token);
    return claims && claims.expiresAt + this.options.clockTolerance > now ? claims : undefined;
  }

  private openedClaims(token: string, now: number): AccessClaims {
    const claims = this.codec.readAccess(this.codec.open(token, 'access'), now);
    this.cache?.keepClaims(token, claims);
    return claims;
  }

  /** Used, and told. */
  private noted(
    { record, user }: LiveSession,
    { generation, custom, expiresAt }: AccessClaims,
    now: number,
    deadline?: RequestDeadline,
  ): Authentication {
    this.lastUsed?.note(record, generation, now);
    return new TimedAuthentication(user, sessionOf(record), custom, deadline, expiresAt);
  }

  /** The session whose key this token holds, to end it: whoever its user is by now. */
  async findToEnd(token: string, presenter: Presenter, deadline: RequestDeadline): Promise<SessionRecord> {
    const now = this.options.clock.now();
    try {
      const claims = this.codec.readAccess(this.codec.open(token, 'access'), now);
      const record = await deadline.run(() => this.checker.findByAccessKey(claims, now));
      this.checker.checkDeviceToEnd(record, { use: 'logout', accessToken: token, presenter });
      return record;
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** What an access token says, its key redacted. */
  show(token: string): Record<string, unknown> {
    return this.codec.show(token);
  }
}
