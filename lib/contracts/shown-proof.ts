import { inspect } from 'node:util';

/** A proof that was accepted: it counts once, and again for whatever else is asked of the same request. */
export interface AcceptedProof {
  /** Of the key that signed it (RFC 7638), in base64url. */
  readonly thumbprint: string;
  /** The access token that it was made for; null where there was none. */
  readonly accessToken: string | null;
}

/**
 * What a request shows to prove that it comes from the device that its session is bound to. Opaque to your application: hand
 * the presenter on as it is. Hides in logs.
 */
export class ShownProof {
  readonly #request: any;
  readonly #headers: any;
  /** Set once the proof was accepted. */
  #accepted: AcceptedProof | undefined;
  #nextNonce: string | undefined;

  constructor(request: any) {
    this.#request = request;
    this.#headers = request.headers;
  }

  /** Whether the access token came as `Authorization: DPoP` (RFC 9449 section 7.1). */
  get hasDpopScheme(): boolean {
    return isDpopScheme(this.#headers.authorization);
  }

  /** The header `DPoP`, as it was sent; several are one text with commas, which is no proof. Null without it. */
  get dpop(): string | null {
    const { dpop } = this.#headers;
    return dpop === undefined || dpop === null ? null : String(dpop);
  }

  get method(): string {
    return String(this.#request.method);
  }

  /** The target, as it was sent: the path, with its query. */
  get target(): string {
    return String(this.#request.originalUrl ?? this.#request.url);
  }

  /** What was accepted of this request before. */
  get accepted(): AcceptedProof | undefined {
    return this.#accepted;
  }

  accept(accepted: AcceptedProof): void {
    this.#accepted = accepted;
  }

  /** The nonce for the next proof, to be sent with the answer as `DPoP-Nonce`. */
  get nextNonce(): string | undefined {
    return this.#nextNonce;
  }

  offerNonce(nonce: string): void {
    this.#nextNonce = nonce;
  }

  toJSON(): string {
    return '[ShownProof]';
  }

  [inspect.custom](): string {
    return '[ShownProof]';
  }
}

const SMALL_D = 100;
const CAPITAL_D = 68;

/** Whether this is the header of a token that is bound to a key by DPoP. */
export function isDpopScheme(authorization: unknown): boolean {
  if (typeof authorization !== 'string') return false;
  // By the first letter for nearly every request.
  const first = authorization.charCodeAt(0);
  return (first === SMALL_D || first === CAPITAL_D) && /^dpop(?: |$)/i.test(authorization);
}

const SHOWN = Symbol('jwt-knox.shown-proof');

/** What a request shows, kept with it so that one proof counts once however often it is asked for; undefined for nothing. */
export function shownProofOf(request: any): ShownProof | undefined {
  const { dpop, authorization } = request.headers ?? {};
  if (dpop === undefined && !isDpopScheme(authorization)) return undefined;
  const known: unknown = request[SHOWN];
  if (known instanceof ShownProof) return known;
  const shown = new ShownProof(request);
  Reflect.defineProperty(request, SHOWN, { value: shown });
  return shown;
}
