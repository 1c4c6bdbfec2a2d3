import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Presenter } from '../contracts/device';
import { type Session, type SessionRecord, sessionOf } from '../contracts/session';
import { JwtCodec } from '../tokens/jwt-codec';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { LastUsed } from './last-used';
import { TokenRejections } from './rejections';
import { type Authentication, SessionChecker } from './session-checker';
import { RequestDeadline } from './request-deadline';

/** What came of a request, and what is left of its time. Hidden, so that whoever prints it prints no timer. */
class TimedAuthentication implements Authentication {
  readonly #deadline: RequestDeadline;

  constructor(
    readonly user: any,
    readonly session: Session,
    readonly claims: Readonly<Record<string, unknown>>,
    deadline: RequestDeadline,
  ) {
    this.#deadline = deadline;
  }

  static deadlineBehind(value: object): RequestDeadline | undefined {
    return #deadline in value ? value.#deadline : undefined;
  }
}

/** What is left of the time of the request that was authenticated; undefined where its time is not kept. */
export function deadlineBehind(authentication: object): RequestDeadline | undefined {
  return TimedAuthentication.deadlineBehind(authentication);
}

/** From an access token to its session and user: steps 2 to 10 of authentication. */
@Injectable()
export class AccessTokenVerifier {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly codec: JwtCodec,
    private readonly validity: SessionChecker,
    private readonly lastUsed: LastUsed,
    private readonly rejections: TokenRejections,
  ) {}

  /** How the signature is to be checked. */
  get verifyOptions(): JwtCodec['verifyOptions'] {
    return this.codec.verifyOptions;
  }

  /** Steps 2 and 3: the key that must have signed this access token. @throws TokenRejection */
  keyFor(token: string): KeyObject {
    return this.codec.keyFor(token, 'access').verifying;
  }

  /** @throws InvalidTokenError, TokenExpiredError */
  async authenticate(token: string, presenter?: Presenter): Promise<Authentication> {
    try {
      return await this.authenticateClaims(this.codec.verify(token, this.keyFor(token)), presenter);
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** Steps 5 to 10: from the payload of a token whose signature holds to its session and user. @throws TokenRejection */
  async authenticateClaims(payload: unknown, presenter: Presenter | undefined): Promise<Authentication> {
    const now = this.options.clock.now();
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const claims = this.codec.readAccess(payload, now);
    const { record, user } = await deadline.run(() => this.validity.authenticate(claims, now));
    this.validity.checkPresenter(record, presenter);
    this.lastUsed.note(record, claims.generation, now);
    return new TimedAuthentication(user, sessionOf(record), claims.custom, deadline);
  }

  /** The session whose key this token holds, to end it: whoever its user is by now. */
  async findToEnd(token: string, presenter: Presenter, deadline: RequestDeadline): Promise<SessionRecord> {
    const now = this.options.clock.now();
    try {
      const claims = this.codec.readAccess(this.codec.verify(token, this.keyFor(token)), now);
      return await deadline.run(() => this.validity.findByAccessKey(claims, now));
    } catch (error) {
      throw this.rejections.toHttpError(error, 'access', presenter);
    }
  }

  /** What an access token says, its key redacted. */
  show(token: string): Record<string, unknown> {
    return this.codec.show(token);
  }
}
