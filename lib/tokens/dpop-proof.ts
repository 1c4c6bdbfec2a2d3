import {
  BindingRejection,
  BindingRequiredError,
  InvalidDpopProofError,
  UseDpopNonceError,
} from '../contracts/binding-errors';
import type { Clock } from '../contracts/clock';
import type { ShownProof } from '../contracts/shown-proof';
import type { Challenges } from './challenge';
import { LatelySeen } from './lately-seen';
import { type DeviceKey, isSigned, type PossessionProof, PossessionProofs } from './possession-proof';
import { sha256 } from './token-key';

/** How far a proof's `iat` may be from now, both ways. Milliseconds. */
export const PROOF_WINDOW = 60_000;
/** How long a nonce counts, in milliseconds; a new one is offered when half of that has passed. */
export const NONCE_TTL = 60_000;
const MOST_JTI = 128;
const MOST_HTU = 2_048;
const UNREADABLE = 'it is no JWT of typ dpop+jwt, with an alg of the challenge and a jwk of the public members alone';
const UNSIGNED = 'it is not signed by the key of its jwk';

/** What proofs are judged by. */
export interface DpopSettings {
  readonly clock: Clock;
  /** Scheme, host and port of this application, as clients see them: never what a header says. */
  readonly origins: readonly string[];
  /** Where every proof needs a nonce: what makes and recognises them. */
  readonly nonces?: Challenges | null;
  /** How many proofs of one kind are remembered at most: some 800 a second for two minutes. @default 100_000 */
  readonly remembered?: number;
}

/** Which key must have signed a proof, for which token. */
export interface DpopDemand {
  /** RFC 7638. */
  readonly thumbprint: string;
  /** As it was sent; null where the proof stands beside a refresh token. */
  readonly accessToken: string | null;
  /** Whose session it is, for events. */
  readonly named: { readonly sessionId: string; readonly userId: string };
}

/** Checks DPoP proofs (RFC 9449 section 4.3): for guard, login, refresh and verifier alike. */
export class DpopProofs {
  readonly #proofs = new PossessionProofs({ typ: 'dpop+jwt', hasKey: true });
  /**
   * Of bound sessions. Each counts once, in this process: across processes a nonce narrows the time in which it counts.
   */
  readonly #accepted: LatelySeen;
  /** Of logins, in a place of their own: anybody can send those, in any number, and must not push out the others. */
  readonly #ofLogins: LatelySeen;

  constructor(private readonly settings: DpopSettings) {
    this.#accepted = new LatelySeen(2 * PROOF_WINDOW, settings.remembered);
    this.#ofLogins = new LatelySeen(2 * PROOF_WINDOW, settings.remembered);
  }

  /**
   * That whoever shows a token of a bound session has its key.
   * @throws TokenRejection for a token without the scheme `DPoP`, and for another key
   * @throws BindingRequiredError, InvalidDpopProofError, UseDpopNonceError
   */
  require(shown: ShownProof | undefined, { thumbprint, accessToken, named }: DpopDemand): void {
    if (accessToken !== null && !shown?.hasDpopScheme) throw new BindingRejection('wrong_scheme', named);
    if (typeof shown?.dpop !== 'string') {
      throw accessToken === null ? new BindingRequiredError() : new InvalidDpopProofError('no_proof', 'there is none');
    }
    const known = shown.accepted;
    if (known?.thumbprint === thumbprint && covers(known.accessToken, accessToken)) return;
    const proof = this.read(shown);
    if (proof.key.thumbprint !== thumbprint) throw new BindingRejection('wrong_key', named);
    this.accept(shown, proof, { accessToken, isLogin: false });
  }

  /** The key of a login, which is to be bound to it. @throws InvalidDpopProofError, UseDpopNonceError */
  keyOf(shown: ShownProof): DeviceKey {
    const proof = this.read(shown);
    if (shown.accepted?.thumbprint !== proof.key.thumbprint)
      this.accept(shown, proof, { accessToken: null, isLogin: true });
    return proof.key;
  }

  private read(shown: ShownProof): PossessionProof & { readonly key: DeviceKey } {
    const proof = this.#proofs.read(shown.dpop);
    if (!proof?.key) throw new InvalidDpopProofError('bad_proof', UNREADABLE);
    return proof as PossessionProof & { readonly key: DeviceKey };
  }

  private accept(
    shown: ShownProof,
    proof: ReturnType<DpopProofs['read']>,
    { accessToken, isLogin }: { accessToken: string | null; isLogin: boolean },
  ): void {
    const now = this.settings.clock.now();
    const { jti, nonce } = proof.payload;
    const wrong = this.wrongIn(proof.payload, { shown, accessToken, now });
    if (wrong !== undefined) throw new InvalidDpopProofError('bad_proof', wrong);
    if (!isSigned(proof, proof.key)) throw new InvalidDpopProofError('bad_proof', UNSIGNED);
    this.checkNonce(shown, nonce, now);
    const { thumbprint } = proof.key;
    const [own, others] = isLogin ? [this.#ofLogins, this.#accepted] : [this.#accepted, this.#ofLogins];
    const id = `${thumbprint} ${jti}`;
    if (others.has(id) || !own.add(id, now)) throw new InvalidDpopProofError('replayed', 'its jti was accepted before');
    shown.accept({ thumbprint, accessToken });
  }

  /** The first of the claims that does not fit, in words of this library's own: nothing of what was sent. */
  private wrongIn(
    { jti, htm, htu, iat, ath }: Readonly<Record<string, unknown>>,
    { shown, accessToken, now }: { shown: ShownProof; accessToken: string | null; now: number },
  ): string | undefined {
    if (typeof jti !== 'string' || jti === '' || jti.length > MOST_JTI)
      return `jti has not 1 to ${MOST_JTI} characters`;
    if (htm !== shown.method) return 'htm is not the method of the request';
    if (!this.isTarget(htu, shown.target)) return this.wrongTarget(htu);
    if (typeof iat !== 'number' || Math.abs(now - iat * 1_000) > PROOF_WINDOW) {
      return `iat, in seconds, is more than ${PROOF_WINDOW / 1_000} s from the clock of this server`;
    }
    if (accessToken !== null && ath !== sha256(accessToken, 'base64url')) {
      return 'ath is not the SHA-256 of the access token in base64url';
    }
    return undefined;
  }

  private wrongTarget(htu: unknown): string {
    const { origins } = this.settings;
    const claimed = typeof htu === 'string' && URL.canParse(htu) ? new URL(htu).origin : null;
    if (claimed !== null && origins.includes(claimed)) return 'htu has another path than the request';
    return `htu does not begin with ${origins.join(' or ')}, which publicOrigin says`;
  }

  private checkNonce(shown: ShownProof, nonce: unknown, now: number): void {
    const { nonces } = this.settings;
    if (!nonces) return;
    const madeAt = nonces.madeAt(nonce, { purpose: 'dpop', subject: '', ttl: NONCE_TTL }, now);
    if (madeAt === null) throw new UseDpopNonceError(nonces.make('dpop', '', now));
    if (now - madeAt > NONCE_TTL / 2) shown.offerNonce(nonces.make('dpop', '', now));
  }

  /** Section 4.3, step 9: query and fragment aside, after normalization (RFC 3986 sections 6.2.2 and 6.2.3). */
  private isTarget(htu: unknown, target: string): boolean {
    if (typeof htu !== 'string' || htu.length > MOST_HTU) return false;
    const path = pathIn(target);
    // Letter for letter, as nearly always: what is the same needs no normalization.
    if (htu.endsWith(path) && this.settings.origins.includes(htu.slice(0, htu.length - path.length))) return true;
    if (!URL.canParse(htu)) return false;
    const claimed = new URL(htu);
    if (claimed.username !== '' || claimed.password !== '' || !this.settings.origins.includes(claimed.origin))
      return false;
    const asked = `${claimed.origin}${path}`;
    return URL.canParse(asked) && normal(new URL(asked).pathname) === normal(claimed.pathname);
  }
}

/** A proof that was made for an access token stands for a refresh token in the same request too. */
function covers(provenFor: string | null, accessToken: string | null): boolean {
  return accessToken === null || provenFor === accessToken;
}

/** The path of a target, which may be in absolute form (RFC 9112 section 3.2.2). */
function pathIn(target: string): string {
  const relative = target.startsWith('/') ? target : target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  const end = relative.search(/[?#]/);
  const path = end < 0 ? relative : relative.slice(0, end);
  return path.startsWith('/') ? path : `/${path}`;
}

/** RFC 3986 section 6.2.2: what needs no escape has none, and escapes are in upper case. */
function normal(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%[\da-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
}
