import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JwtKnoxAlgorithm } from '../options/options';
import { AgedMap } from './aged-map';
import { isSignature } from './algorithms';
import { rsaWeakness } from './rsa-weakness';
import { sha256 } from './token-key';

/** Longer ones are not read: a proof by a key of RSA with 4096 bits has about 2,000 characters. */
export const MAX_PROOF_LENGTH = 4_096;
/** RFC 7515 section 7.1. Another spelling of the same proof is the same proof: it is known by what it says. */
const HEADER = /^[\w-]+$/;
const PAYLOAD_AND_SIGNATURE = /^[\w-]+\.[\w-]+$/;
/** Devices have 65537; a long one makes each signature slow to check. */
const RSA = { leastBits: 2_048, mostBits: 4_096, leastExponent: 65_537, mostExponent: 0xffff_ffff };
/** Keys that were met lately: reading a key takes as long as checking a signature. */
const MOST_KEYS = 1_000;
const MOST_KEPT_HEADER = 1_024;

/** What a device's key may sign with, and how such a key looks: its members are these, and no others. */
const KEYS = {
  ES256: { kty: 'EC', crv: 'P-256', members: ['crv', 'kty', 'x', 'y'] },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'kty', 'x'] },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'kty', 'x'] },
  RS256: { kty: 'RSA', crv: undefined, members: ['e', 'kty', 'n'] },
  PS256: { kty: 'RSA', crv: undefined, members: ['e', 'kty', 'n'] },
} as const satisfies Partial<Record<JwtKnoxAlgorithm, object>>;

export type ProofAlgorithm = keyof typeof KEYS;

/** The public key of a device. */
export interface DeviceKey {
  readonly algorithm: ProofAlgorithm;
  /** Its members in the order of their names (RFC 7638 section 3), as JSON. */
  readonly jwk: string;
  /** RFC 7638, SHA-256 in base64url. */
  readonly thumbprint: string;
  readonly verifying: KeyObject;
}

/** A proof of sound form. Nothing of it counts before {@link isSigned}. */
export interface PossessionProof {
  readonly algorithm: ProofAlgorithm;
  /** The key in its header; null where it has none. */
  readonly key: DeviceKey | null;
  /** What it says; members that nobody asked for are there too. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly input: string;
  readonly signature: Buffer;
}

interface ProofHeader {
  readonly algorithm: ProofAlgorithm;
  readonly key: DeviceKey | null;
}

/** What a proof is to be. */
export interface ProofForm {
  /** The header's `typ`, such as `dpop+jwt`: a proof of one kind is none of another. */
  readonly typ: string;
  /** Whether its key is in the header. A proof with a key where none belongs is refused: it would prove itself. */
  readonly hasKey: boolean;
}

/**
 * Reads proofs that a device has a key: a JWS in compact form that the device itself has signed. Null for what is none:
 * whoever wrote it learns no more.
 */
export class PossessionProofs {
  /** By the text of the header, which a device repeats letter for letter. */
  readonly #headers = new AgedMap<ProofHeader>();

  constructor(private readonly form: ProofForm) {}

  read(raw: unknown): PossessionProof | null {
    if (typeof raw !== 'string' || raw.length > MAX_PROOF_LENGTH) return null;
    // Sliced, not joined again: the input is a part of what was sent.
    const headerEnd = raw.indexOf('.');
    const payloadEnd = raw.lastIndexOf('.');
    if (!PAYLOAD_AND_SIGNATURE.test(raw.slice(headerEnd + 1))) return null;
    const first = raw.slice(0, headerEnd);
    const header = this.#headers.get(first) ?? this.readHeader(first);
    const payload = header && objectIn(raw.slice(headerEnd + 1, payloadEnd));
    if (!payload) return null;
    const { algorithm, key } = header;
    const signature = Buffer.from(raw.slice(payloadEnd + 1), 'base64url');
    return { algorithm, key, payload, input: raw.slice(0, payloadEnd), signature };
  }

  private readHeader(text: string): ProofHeader | null {
    const header = HEADER.test(text) ? objectIn(text) : null;
    if (!header || header.typ !== this.form.typ) return null;
    const { alg, jwk } = header;
    // Known members only: `crit`, `b64`, `jku`, `x5u`, `kid`… would change what a proof means, or where its key is.
    const known = this.form.hasKey ? 3 : 2;
    if (!isProofAlgorithm(alg) || Object.keys(header).length !== known) return null;
    if (!this.form.hasKey) return { algorithm: alg, key: null };
    const key = deviceKeyOf(alg, jwk);
    if (!key) return null;
    const found = { algorithm: alg, key };
    this.keep(text, found);
    return found;
  }

  /** Only what fits: nobody makes the process remember much. */
  private keep(text: string, header: ProofHeader): void {
    if (text.length > MOST_KEPT_HEADER) return;
    if (this.#headers.size >= MOST_KEYS) this.#headers.delete(this.#headers.oldest![0]);
    this.#headers.set(text, header);
  }
}

/** Whether this key signed the proof; by default the one in its header. */
export function isSigned(proof: PossessionProof, key: Pick<DeviceKey, 'algorithm' | 'verifying'> | null): boolean {
  return (
    key !== null &&
    key.algorithm === proof.algorithm &&
    isSignature(key.algorithm, key.verifying, proof.input, proof.signature) &&
    isStrong(key.verifying)
  );
}

/** Keys of RSA that have signed, and whether others could sign in their place. */
const STRONG = new WeakMap<KeyObject, boolean>();

/** Asked last, since it takes longer than a signature: anybody can send what looks like a key. */
function isStrong(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return true;
  const known = STRONG.get(key) ?? rsaWeakness(key) === null;
  STRONG.set(key, known);
  return known;
}

/** A key that a device has shown, or that a row has kept; null for what is none, is private, short or on another curve. */
export function deviceKeyOf(algorithm: unknown, given: unknown): DeviceKey | null {
  if (!isProofAlgorithm(algorithm) || typeof given !== 'object' || given === null) return null;
  const { kty, crv, members } = KEYS[algorithm];
  const jwk = given as Record<string, unknown>;
  const names = Object.keys(jwk).toSorted();
  const isBare = names.length === members.length && members.every((name, index) => names[index] === name);
  if (!isBare || jwk.kty !== kty || jwk.crv !== crv) return null;
  const plain = Object.fromEntries(members.map((name) => [name, jwk[name]]));
  if (!Object.values(plain).every((value) => typeof value === 'string' && value.length <= MAX_PROOF_LENGTH))
    return null;
  try {
    const verifying = createPublicKey({ key: plain as { kty: string }, format: 'jwk' });
    // As OpenSSL writes it: one key has one spelling, and one thumbprint.
    const spelled = verifying.export({ format: 'jwk' }) as Record<string, unknown>;
    if (members.some((name) => spelled[name] !== plain[name]) || (kty === 'RSA' && !isOfUsualSize(verifying)))
      return null;
    const text = JSON.stringify(plain);
    return { algorithm, jwk: text, thumbprint: sha256(text, 'base64url'), verifying };
  } catch {
    return null;
  }
}

function isOfUsualSize(key: KeyObject): boolean {
  const { modulusLength: bits = 0, publicExponent: exponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isOfLength = bits >= RSA.leastBits && bits <= RSA.mostBits;
  return isOfLength && exponent >= RSA.leastExponent && exponent <= RSA.mostExponent;
}

function isProofAlgorithm(name: unknown): name is ProofAlgorithm {
  return typeof name === 'string' && Object.hasOwn(KEYS, name);
}

function objectIn(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
