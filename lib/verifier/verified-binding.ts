import { BindingRequiredError } from '../contracts/binding-errors';
import { notBound, requireDpopProof } from '../sessions/device-check';
import { type BoundSession, SessionBinding, type ShownToken } from '../sessions/session-binding';
import { DpopProofs } from '../tokens/dpop-proof';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';

/** Asks for the proof of a bound session where another application's tokens are shown. Binds nothing itself. */
export class VerifiedBinding extends SessionBinding {
  readonly checksUnbound = false;
  readonly takesDpop: boolean;
  /** Null: this service does not know its own address, and can check no proof. */
  readonly #proofs: DpopProofs | null;

  constructor({ clock, publicOrigins }: Pick<ResolvedVerifierOptions, 'clock' | 'publicOrigins'>) {
    super();
    this.#proofs = publicOrigins.length > 0 ? new DpopProofs({ clock, origins: publicOrigins }) : null;
    this.takesDpop = this.#proofs !== null;
  }

  admitLogin(): void {}

  atLogin(): null {
    return null;
  }

  check(session: BoundSession, shown: ShownToken): void {
    const { boundKind } = session;
    if (boundKind === 'dpop') return requireDpopProof(this.#proofs, session, shown);
    // What a browser binds (DBSC) is proven at the issuer, which alone prolongs it.
    if (boundKind !== null && boundKind !== 'dbsc') throw new BindingRequiredError('not_supported');
    if (shown.presenter?.proof?.hasDpopScheme) throw notBound(session);
  }
}
