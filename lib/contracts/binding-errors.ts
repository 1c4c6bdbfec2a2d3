import { TokenRejection, UnauthorizedError } from './errors';

/** Why somebody was refused who did not prove to be at the device that a session is bound to. */
export type BindingRefusal =
  'no_proof' | 'not_bound' | 'not_supported' | 'wrong_scheme' | 'wrong_key' | 'bad_proof' | 'stale_nonce' | 'replayed';

/** What a refusal tells of DPoP: the value of `algs` in its challenge (RFC 9449 section 7.1). */
export const DPOP_ALGORITHMS = 'ES256 EdDSA Ed25519 RS256 PS256';

/** A token that is shown as what it is not: bound to a key, or to another one. Callers meet `invalid_token`. */
export class BindingRejection extends TokenRejection {
  constructor(
    readonly refusal: BindingRefusal,
    claims: { readonly sessionId: string; readonly userId: string },
  ) {
    super('binding', claims);
  }
}

/** A 401 for whoever did not prove to be at the right device. */
export abstract class BindingError extends UnauthorizedError {
  /** Which check failed; not part of the response. */
  declare readonly refusal: BindingRefusal;

  protected constructor(
    code: 'binding_required' | 'invalid_dpop_proof' | 'use_dpop_nonce',
    message: string,
    refusal: BindingRefusal,
  ) {
    super(code, message);
    // Not enumerable, so that no serializer carries it to a caller.
    Object.defineProperty(this, 'refusal', { value: refusal });
  }
}

/**
 * The session, or the route, takes tokens only together with a proof of the device's key, and there was none.
 * @example
 * if (error instanceof BindingRequiredError) showLogin(); // on this device
 */
export class BindingRequiredError extends BindingError {
  constructor(refusal: BindingRefusal = 'no_proof') {
    super('binding_required', 'This needs a proof that it comes from the device of the session.', refusal);
  }
}

/** The DPoP proof of a request does not hold (RFC 9449 section 4.3). */
export class InvalidDpopProofError extends BindingError {
  /** What is wrong with it, for the log; not part of the response. */
  declare readonly detail: string;

  constructor(refusal: BindingRefusal = 'bad_proof', detail: string = refusal) {
    super('invalid_dpop_proof', 'The DPoP proof is not valid.', refusal);
    Object.defineProperty(this, 'detail', { value: detail });
  }
}

/** The DPoP proof needs the nonce that comes with this answer (RFC 9449 section 8): sign again, and repeat the request. */
export class UseDpopNonceError extends BindingError {
  declare readonly headers: Readonly<Record<string, readonly string[]>>;

  /** @param nonce sent as `DPoP-Nonce` */
  constructor(nonce: string) {
    super('use_dpop_nonce', 'The DPoP proof needs the nonce of this answer.', 'stale_nonce');
    Object.defineProperty(this, 'headers', { value: { 'DPoP-Nonce': [nonce] } });
  }
}
