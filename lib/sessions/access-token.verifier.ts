import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Presenter } from '../contracts/device';
import { type Session, type SessionRecord, sessionOf } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { JwtCodec } from '../tokens/jwt-codec';
import { LastUsed } from './last-used';
import { TokenRejections } from './rejections';
import { RequestDeadline } from './request-deadline';
import { type Authentication, SessionChecker } from './session-checker';
import { TokenVerifier } from './token-verifier';

/** What came of a request, and what is left of its time. Hidden, so that whoever prints it prints no timer. */
class TimedAuthentication implements Authentication {
  readonly #deadline: RequestDeadline;
  readonly #tokenEnd: number;

  constructor(
    readonly user: any,
    readonly session: Session,
    readonly claims: Readonly<Record<string, unknown>>,
    deadline: RequestDeadline,
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
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'clock' | 'storageTimeout'>,
    private readonly codec: JwtCodec,
    private readonly checker: SessionChecker,
    rejections: TokenRejections,
    @Optional() private readonly lastUsed?: LastUsed,
  ) {
    super(rejections);
  }

  protected async check(token: string, presenter?: Presenter): Promise<Authentication> {
    const now = this.options.clock.now();
    const claims = this.codec.readAccess(this.codec.open(token, 'access'), now);
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const { record, user } = await deadline.run(() => this.checker.authenticate(claims, now));
    this.checker.checkPresenter(record, presenter);
    this.lastUsed?.note(record, claims.generation, now);
    return new TimedAuthentication(user, sessionOf(record), claims.custom, deadline, claims.expiresAt);
  }

  /** The session whose key this token holds, to end it: whoever its user is by now. */
  async findToEnd(token: string, presenter: Presenter, deadline: RequestDeadline): Promise<SessionRecord> {
    const now = this.options.clock.now();
    try {
      const claims = this.codec.readAccess(this.codec.open(token, 'access'), now);
      return await deadline.run(() => this.checker.findByAccessKey(claims, now));
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** What an access token says, its key redacted. */
  show(token: string): Record<string, unknown> {
    return this.codec.show(token);
  }
}
