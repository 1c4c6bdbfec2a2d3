import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import type { JwtKnoxAlgorithm } from '../options/options';

/** How an algorithm signs, and which keys it takes. Sizes and curves after RFC 7518 section 3 and RFC 8037. */
export interface Algorithm {
  /** `hmac` has a shared secret, which is never published; all others have a private and a public key. */
  readonly family: 'hmac' | 'rsa' | 'rsa-pss' | 'ec' | 'ed25519';
  /** Of `node:crypto`; null where the algorithm has its own. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  /** Fewest bytes of a secret, and most bytes of the salt of RSA-PSS: those of the hash. */
  readonly hashBytes: number;
  /** The curve's name in OpenSSL. */
  readonly curve?: string;
}

const SHA256 = { hash: 'sha256', hashBytes: 32 } as const;
const SHA384 = { hash: 'sha384', hashBytes: 48 } as const;
const SHA512 = { hash: 'sha512', hashBytes: 64 } as const;
const ED25519 = { family: 'ed25519', hash: null, hashBytes: 0 } as const;

/** Every signature algorithm there is here: signing, verifying, keys and published keys all follow this table. */
export const ALGORITHMS: Readonly<Record<JwtKnoxAlgorithm, Algorithm>> = {
  HS256: { family: 'hmac', ...SHA256 },
  HS384: { family: 'hmac', ...SHA384 },
  HS512: { family: 'hmac', ...SHA512 },
  RS256: { family: 'rsa', ...SHA256 },
  RS384: { family: 'rsa', ...SHA384 },
  RS512: { family: 'rsa', ...SHA512 },
  PS256: { family: 'rsa-pss', ...SHA256 },
  PS384: { family: 'rsa-pss', ...SHA384 },
  PS512: { family: 'rsa-pss', ...SHA512 },
  ES256: { family: 'ec', ...SHA256, curve: 'prime256v1' },
  ES384: { family: 'ec', ...SHA384, curve: 'secp384r1' },
  ES512: { family: 'ec', ...SHA512, curve: 'secp521r1' },
  Ed25519: ED25519,
  // The older name of the same (RFC 9864 section 2.2), which more libraries know.
  EdDSA: ED25519,
};

/** The algorithm of this name, as somebody else wrote it: undefined for `none` and any other. */
export function algorithmOf(name: unknown): Algorithm | undefined {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name as JwtKnoxAlgorithm] : undefined;
}

/** Whether what this algorithm verifies with is public: a secret that is published proves nothing. */
export function isAsymmetric(name: unknown): boolean {
  const algorithm = algorithmOf(name);
  return algorithm !== undefined && algorithm.family !== 'hmac';
}

/** The signature of a JWS signing input (RFC 7515 section 5.1). */
export function signatureOf(name: JwtKnoxAlgorithm, key: KeyObject, input: string): Buffer {
  const { family, hash } = ALGORITHMS[name];
  if (family === 'hmac') return createHmac(hash!, key).update(input).digest();
  return sign(hash, Buffer.from(input), withParameters(family, key));
}

/** Whether a signature is this key's for the input. Never throws: what cannot be a signature is none. */
export function isSignature(name: JwtKnoxAlgorithm, key: KeyObject, input: string, signature: Buffer): boolean {
  const { family, hash } = ALGORITHMS[name];
  if (family === 'hmac') {
    const expected = createHmac(hash!, key).update(input).digest();
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
  try {
    return verify(hash, Buffer.from(input), withParameters(family, key), signature);
  } catch {
    return false;
  }
}

function withParameters(family: Algorithm['family'], key: KeyObject) {
  if (family === 'ec') return { key, dsaEncoding: 'ieee-p1363' as const };
  if (family !== 'rsa-pss') return key;
  // RFC 7518 section 3.5: a salt as long as the hash.
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}
