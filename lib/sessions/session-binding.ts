import type { Presenter } from '../contracts/device';
import type { Session, SessionKind, SessionRecord } from '../contracts/session';

/** What a row says of the device that its session is bound to. */
export type BoundColumns = Pick<
  SessionRecord,
  'boundKind' | 'boundKey' | 'boundKeyThumbprint' | 'boundAt' | 'boundProofAt'
>;

/** A session that is about to begin. */
export interface BindingOrder {
  readonly presenter: Presenter;
  readonly user: unknown;
  readonly kind: SessionKind;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What a token of a session is shown for. `replace`: a login in the same browser takes the session's place. */
export type BoundUse = 'access' | 'refresh' | 'logout' | 'replace';

/** A token of a session, and who shows it. */
export interface ShownToken {
  readonly use: BoundUse;
  /** As it was sent; null where a refresh token is shown, or none. */
  readonly accessToken: string | null;
  /** Undefined where host code asks, which has none. */
  readonly presenter: Presenter | undefined;
  /** Of the session, where they were looked up; a logout asks for nobody. */
  readonly user?: unknown;
}

/** What is known of a session whose token is shown. */
export type BoundSession = Pick<Session, 'id' | 'userId' | 'boundKind' | 'boundKeyThumbprint'> &
  Partial<Pick<Session, 'kind' | 'createdAt' | 'boundAt'>> &
  // Not there where an access token is shown.
  Partial<Pick<SessionRecord, 'boundProofAt'>>;

/**
 * How sessions are bound to a key of their device: the seam for `deviceBinding` of `nestjs-jwt-knox/binding`. Where nothing
 * implements it, a session that is bound is refused.
 */
export abstract class SessionBinding {
  /** Whether sessions that are not bound are asked about too: where a policy may require that they are. */
  abstract readonly checksUnbound: boolean;

  /** Whether proofs of DPoP are taken: only then does a refusal name that scheme. */
  abstract readonly takesDpop: boolean;

  /**
   * Before credentials are looked at: what cannot become a session need not know whether they are right.
   * @throws BindingRequiredError, InvalidDpopProofError, UseDpopNonceError
   */
  abstract admitLogin(presenter: Presenter): void;

  /** What a new session is bound to; null: to nothing, or not yet. @throws as {@link admitLogin} */
  abstract atLogin(order: BindingOrder): BoundColumns | null;

  /** The columns of a session that is bound to the key of this thumbprint (RFC 9449 section 10); null: it cannot be. */
  boundTo(_thumbprint: string, _now: number): BoundColumns | null {
    return null;
  }

  /**
   * That who shows a token of this session is at its device. Called for bound sessions, for requests that show a proof, and,
   * with {@link checksUnbound}, for all. Never waits: memory asks too.
   * @throws TokenRejection, BindingRequiredError, InvalidDpopProofError, UseDpopNonceError
   */
  abstract check(session: BoundSession, shown: ShownToken): void;

  /** The tokens of a login are about to be answered: headers may be added. */
  loginAnswered(_session: Session, _request: unknown, _response: unknown): void {}
}
