import type { KeyObject } from 'node:crypto';
import type { JwtKnoxAlgorithm } from '../options/options';
import { plainKeyOf } from './jwk';
import { PUBLISHED_KEYS } from './published-secrets';
import { rsaWeakness } from './rsa-weakness';
import { textDigest } from './text-digest';

const CURVES: Record<string, string> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

/** Why a public key must not be used with an algorithm; null when it may. */
export function keyProblem(key: KeyObject, algorithm: JwtKnoxAlgorithm): string | null {
  return unfitForAlgorithm(key, algorithm) ?? (isPublished(key) ? IS_PUBLISHED : null);
}

const IS_PUBLISHED = 'the key stands in public documentation, private half and all; make one with `openssl genpkey`.';

function isPublished(key: KeyObject): boolean {
  return PUBLISHED_KEYS.has(textDigest(plainKeyOf(key).export({ format: 'der', type: 'spki' })));
}

function unfitForAlgorithm(key: KeyObject, algorithm: JwtKnoxAlgorithm): string | null {
  const details = key.asymmetricKeyDetails ?? {};
  const { namedCurve, hashAlgorithm, mgf1HashAlgorithm, saltLength = 0 } = details;
  if (algorithm.startsWith('ES')) {
    return key.asymmetricKeyType === 'ec' && namedCurve === CURVES[algorithm]
      ? null
      : `${algorithm} needs an EC key on the curve ${CURVES[algorithm]}.`;
  }
  const types = algorithm.startsWith('PS') ? ['rsa', 'rsa-pss'] : ['rsa'];
  if (!types.includes(String(key.asymmetricKeyType))) return `${algorithm} needs an RSA key.`;
  const weakness = rsaWeakness(key);
  if (weakness) return weakness;
  if (key.asymmetricKeyType === 'rsa') return null;
  // RFC 7518 section 3.5: one hash, and a salt of its length. A key that leaves them open signs nothing either.
  const size = Number(algorithm.slice(2));
  const isBound = [hashAlgorithm, mgf1HashAlgorithm].every((hash) => hash === `sha${size}`) && saltLength <= size / 8;
  return isBound ? null : `the RSA-PSS key is not bound to the parameters of ${algorithm}; make a plain RSA key.`;
}
