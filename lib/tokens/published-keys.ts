import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { TokenRejection } from '../contracts/errors';
import type { JwtKnoxAlgorithm } from '../options/options';
import { algorithmOf, isAsymmetric } from './algorithms';
import { keyProblem } from './key-loader';

/** As the issuer's own keys may be named. */
const KID = /^[\w.-]{1,64}$/;

/** Members that only a private key or a secret has (RFC 7518 section 6): published, they are nobody's alone. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** A key that somebody else published, and that verifies tokens here. */
export interface PublishedKey {
  readonly algorithm: JwtKnoxAlgorithm;
  readonly verifying: KeyObject;
}

/**
 * Whether a header names a key that an issuer could have: what fails here is asked of nobody.
 * @param published whether the key is to be a published one
 * @throws TokenRejection
 */
export function checkHeader(header: { kid: string; algorithm: string }, published: boolean): void {
  if (!KID.test(header.kid)) throw new TokenRejection('unknown_key');
  if (!(published ? isAsymmetric(header.algorithm) : algorithmOf(header.algorithm)))
    throw new TokenRejection('algorithm');
}

/**
 * The keys of a JWK set that verify signatures, by `kid`. One of another use, without an algorithm, weak or on another
 * curve, private, or with a `kid` that stands twice, is left out.
 */
export function publicKeysIn(set: { keys: readonly object[] }): Map<string, PublishedKey> {
  const keys = new Map<string, PublishedKey>();
  const seen = new Set<unknown>();
  for (const jwk of set.keys as readonly Record<string, unknown>[]) {
    const key = seen.has(jwk.kid) ? null : readKey(jwk);
    if (key) keys.set(jwk.kid as string, key);
    else keys.delete(jwk.kid as string);
    seen.add(jwk.kid);
  }
  return keys;
}

function readKey({ kid, alg, ...jwk }: Record<string, unknown>): PublishedKey | null {
  const isOurs = typeof kid === 'string' && typeof alg === 'string' && isAsymmetric(alg) && mayVerify(jwk);
  if (!isOurs || PRIVATE_MEMBERS.some((member) => member in jwk)) return null;
  const algorithm = alg as JwtKnoxAlgorithm;
  try {
    const verifying = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return keyProblem(verifying, algorithm) === null ? { algorithm, verifying } : null;
  } catch {
    return null;
  }
}

/** RFC 7517 sections 4.2 and 4.3: what a key is for, told in two ways that must agree, for one purpose only. */
function mayVerify({ use = 'sig', key_ops: operations = ['verify'] }: Record<string, unknown>): boolean {
  if (use !== 'sig' || !Array.isArray(operations) || !operations.includes('verify')) return false;
  const isForSignatures = operations.every((one) => one === 'verify' || one === 'sign');
  return isForSignatures && new Set(operations).size === operations.length;
}
