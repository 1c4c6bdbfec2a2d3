import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { JwtKnoxAlgorithm } from '../options/options';

/** A public key as others read it (RFC 7517 section 4, RFC 7518 section 6). */
export interface PublicJwk extends JsonWebKey {
  readonly kid: string;
  readonly alg: JwtKnoxAlgorithm;
  readonly use: 'sig';
}

/** A JWK set (RFC 7517 section 5) of public keys. */
export interface PublicKeySet {
  readonly keys: readonly PublicJwk[];
}

export function publicJwkOf(key: { kid: string; algorithm: JwtKnoxAlgorithm; verifying: KeyObject }): PublicJwk {
  const { kid, algorithm: alg, verifying } = key;
  // A private key or a secret has no way to here.
  if (verifying.type !== 'public') throw new TypeError(`The key '${kid}' is not public.`);
  return { ...plainKeyOf(verifying).export({ format: 'jwk' }), use: 'sig', alg, kid };
}

/**
 * A public key that Node writes as JWK. Of one that is bound to RSA-PSS it writes none: the same numbers as a plain RSA key.
 * In its DER, which is longer than 255 bytes, an algorithm of less than 128 bytes stands between four bytes and the five
 * before the RSAPublicKey.
 */
export function plainKeyOf(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'rsa-pss') return key;
  const der = key.export({ format: 'der', type: 'spki' });
  return createPublicKey({ key: der.subarray(6 + der[5]! + 5), format: 'der', type: 'pkcs1' });
}
