import { BindingRequiredError } from '../contracts/binding-errors';
import type { Presenter } from '../contracts/device';
import type { Session } from '../contracts/session';
import type { DpopProofs } from '../tokens/dpop-proof';
import { notBound, requireDpopProof } from '../sessions/device-check';
import {
  type BindingOrder,
  type BoundColumns,
  type BoundSession,
  SessionBinding,
  type ShownToken,
} from '../sessions/session-binding';
import type { ResolvedBindingOptions } from './binding.options';
import type { DbscOffer } from './dbsc-offer';

/** Binds sessions to their device as the options say, and asks for the proof of that wherever a token is shown. */
export class DeviceBinding extends SessionBinding {
  readonly checksUnbound: boolean;
  readonly takesDpop: boolean;

  /**
   * @param proofs null: no sessions are bound by DPoP, and those that are cannot be checked
   * @param offer null: browsers are not asked to bind theirs
   */
  constructor(
    private readonly options: ResolvedBindingOptions,
    private readonly proofs: DpopProofs | null,
    private readonly offer: DbscOffer | null = null,
  ) {
    super();
    this.checksUnbound = options.policy !== 'prefer';
    this.takesDpop = proofs !== null;
  }

  admitLogin({ proof }: Presenter): void {
    if (this.proofs && typeof proof?.dpop === 'string') this.proofs.keyOf(proof);
    else if (this.options.policy === 'require') this.requireOtherWay();
  }

  atLogin({ presenter: { proof }, user, kind, now }: BindingOrder): BoundColumns | null {
    if (kind === 'program') return null;
    // From a session that nothing binds; the others bring along what theirs is bound to.
    if (kind === 'impersonation' && this.isRequiredFor(user)) throw new BindingRequiredError('not_bound');
    if (kind === 'impersonation') return null;
    if (this.proofs && typeof proof?.dpop === 'string') {
      const { jwk, thumbprint } = this.proofs.keyOf(proof);
      return { boundKind: 'dpop', boundKey: jwk, boundKeyThumbprint: thumbprint, boundAt: now, boundProofAt: now };
    }
    if (this.isRequiredFor(user)) this.requireOtherWay();
    return null;
  }

  override boundTo(boundKeyThumbprint: string, now: number): BoundColumns | null {
    if (!this.proofs) return null;
    // The key itself comes with each proof.
    return { boundKind: 'dpop', boundKey: null, boundKeyThumbprint, boundAt: now, boundProofAt: null };
  }

  check(session: BoundSession, shown: ShownToken): void {
    switch (session.boundKind) {
      case 'dpop':
        return requireDpopProof(this.proofs, session, shown);
      case 'dbsc':
        return this.checkDbsc(session, shown);
      case null:
        return this.checkUnbound(session, shown);
      default:
        throw new BindingRequiredError('not_supported');
    }
  }

  override loginAnswered(session: Session, request: unknown, response: unknown): void {
    this.offer?.make(session, request, response);
  }

  /**
   * A browser proves itself where it renews its cookies (`dbsc/refresh`): the access cookie is short-lived, and from the first
   * proof on nothing else prolongs it. The login that takes a session's place comes from its browser, with its cookie.
   */
  private checkDbsc(session: BoundSession, { accessToken, presenter, use }: ShownToken): void {
    if (accessToken !== null && presenter?.proof?.hasDpopScheme) throw notBound(session);
    const isProven = (session.boundProofAt ?? null) !== null;
    if (accessToken === null && use !== 'replace' && isProven) throw new BindingRequiredError();
  }

  private checkUnbound(session: BoundSession, { use, accessToken, presenter, user }: ShownToken): void {
    if (accessToken !== null && presenter?.proof?.hasDpopScheme) throw notBound(session);
    const isAsked = session.kind === 'login' && (use === 'access' || use === 'refresh');
    if (isAsked && this.isRequiredFor(user)) throw new BindingRequiredError('not_bound');
  }

  private isRequiredFor(user: unknown): boolean {
    const { policy } = this.options;
    if (typeof policy !== 'function') return policy === 'require';
    const decided: unknown = policy(user);
    if (decided === 'prefer' || decided === 'require') return decided === 'require';
    throw new TypeError("deviceBinding: policy must return 'prefer' or 'require', and must not wait.");
  }

  /** Without a proof of DPoP, a browser may still register its key after the login. */
  private requireOtherWay(): void {
    if (this.options.dbsc === 'off') throw new BindingRequiredError();
  }
}
