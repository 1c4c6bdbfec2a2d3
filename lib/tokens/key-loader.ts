import { createPrivateKey, createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import type { JwtKnoxAlgorithm, JwtKnoxKey, KeyMaterial } from '../options/options';
import { type Algorithm, algorithmOf, ALGORITHMS } from './algorithms';
import { plainKeyOf } from './jwk';
import { PUBLISHED_KEYS } from './published-secrets';
import { rsaWeakness } from './rsa-weakness';
import { assessSecret, LEAST_BITS } from './secret-check';
import { sha256 } from './token-key';

/** A key that verifies and, with `signing`, signs. Only KeyObjects: a string secret costs up to 70 times as much. */
export interface KeyringKey {
  readonly kid: string;
  readonly algorithm: JwtKnoxAlgorithm;
  readonly verifying: KeyObject;
  readonly signing: KeyObject | null;
}

/** Reads and judges one configured key; null when `problems` says what is wrong with it. */
export function loadKey(key: JwtKnoxKey, problems: string[]): KeyringKey | null {
  const before = problems.length;
  // A kid of another form may be a secret that stands in the wrong place: it is not repeated.
  const named = typeof key?.kid === 'string' && /^[\w.-]{1,64}$/.test(key.kid);
  const name = named ? `key '${key.kid}'` : 'a key';
  if (!named) problems.push(`${name}: kid must be 1 to 64 letters, digits, '.', '_' or '-'.`);
  const algorithm = algorithmOf(key?.algorithm);
  if (!algorithm) problems.push(`${name}: algorithm must be one of ${Object.keys(ALGORITHMS).join(', ')}.`);
  if (!algorithm || problems.length > before) return null;
  const problem = (text: string) => void problems.push(`${name}: ${text}`);
  const loaded = algorithm.family === 'hmac' ? loadSecret(key, problem) : loadKeyPair(key, problem);
  return loaded && problems.length === before ? { kid: key.kid, algorithm: key.algorithm, ...loaded } : null;
}

type Loaded = Pick<KeyringKey, 'verifying' | 'signing'> | null;

function loadSecret(key: JwtKnoxKey, problem: (text: string) => void): Loaded {
  if (key.privateKey !== undefined || key.publicKey !== undefined || key.secret === undefined) {
    problem(`${key.algorithm} takes a secret, and no privateKey or publicKey.`);
    return null;
  }
  const least = ALGORITHMS[key.algorithm].hashBytes;
  const bytes = secretBytes(key.secret);
  if (!bytes) problem('the secret must be a string, a Buffer or a secret KeyObject.');
  else if (isAsymmetricKey(bytes)) {
    problem(
      'the secret is an asymmetric key; set it as privateKey or publicKey with an RS, PS, ES or Ed25519 algorithm.',
    );
  } else {
    const wrong = secretProblem(bytes, key.algorithm);
    const verifying = createSecretKey(bytes);
    if (!wrong) return { verifying, signing: verifying };
    problem(`the secret ${wrong}; make one with \`openssl rand -base64 ${least + 16}\`.`);
  }
  return null;
}

function secretProblem(bytes: Buffer, algorithm: JwtKnoxAlgorithm): string | null {
  const least = ALGORITHMS[algorithm].hashBytes;
  const { isPlaceholder, bits } = assessSecret(bytes);
  if (isPlaceholder) return 'is published or a well-known placeholder';
  if (bytes.length < least) return `has ${bytes.length} bytes and ${algorithm} needs ${least}`;
  return bits < LEAST_BITS ? 'can be guessed: it is made of words, keyboard rows or repetitions' : null;
}

function secretBytes(secret: KeyMaterial): Buffer | null {
  if (typeof secret === 'string') return Buffer.from(secret);
  if (secret instanceof KeyObject) return secret.type === 'secret' ? secret.export() : null;
  return Buffer.isBuffer(secret) ? secret : null;
}

/** A line of OpenSSH, a PEM or a JWK. */
const WRITTEN_KEY = /^\s*(?:ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)|-----BEGIN|^\s*\{[\s\S]*"kty"/;

/** A public key as HMAC secret would let anybody sign: in any form, such as a PEM that lost its first and last line. */
function isAsymmetricKey(bytes: Buffer): boolean {
  const text = bytes.toString();
  const compact = text.replace(/\s/g, '');
  return (
    WRITTEN_KEY.test(text) || [bytes, Buffer.from(compact, 'base64'), Buffer.from(compact, 'hex')].some(isKeyInDer)
  );
}

function isKeyInDer(bytes: Buffer): boolean {
  const readers = [
    () => createPublicKey({ key: bytes, format: 'der', type: 'spki' }),
    () => createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' }),
    () => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key: bytes, format: 'der', type: 'sec1' }),
  ];
  return bytes[0] === 0x30 && readers.some(succeeds);
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

function loadKeyPair(key: JwtKnoxKey, problem: (text: string) => void): Loaded {
  if (key.secret !== undefined || (key.privateKey === undefined) === (key.publicKey === undefined)) {
    problem(`${key.algorithm} takes a privateKey or a publicKey (one of them), and no secret.`);
    return null;
  }
  try {
    const signing = key.privateKey === undefined ? null : privateKeyOf(key.privateKey);
    const verifying = signing ? createPublicKey(signing) : publicKeyOf(key.publicKey!);
    const unfit = keyProblem(verifying, key.algorithm);
    if (unfit) problem(unfit);
    return unfit ? null : { verifying, signing };
  } catch {
    const kind = key.privateKey === undefined ? 'publicKey' : 'privateKey';
    problem(`the ${kind} cannot be read; set PEM text (with its line breaks) or a KeyObject.`);
    return null;
  }
}

function privateKeyOf(material: KeyMaterial): KeyObject {
  if (!(material instanceof KeyObject)) return createPrivateKey(material);
  if (material.type !== 'private') throw new TypeError('not a private key');
  return material;
}

function publicKeyOf(material: KeyMaterial): KeyObject {
  if (!(material instanceof KeyObject)) {
    if (material.includes('PRIVATE KEY')) throw new TypeError('not a public key');
    return createPublicKey(material);
  }
  if (material.type !== 'public') throw new TypeError('not a public key');
  return material;
}

const IS_PUBLISHED = 'the key is published in documentation, with its private half; make one with `openssl genpkey`.';

/** Why a public key must not be used with an algorithm; null when it may. */
export function keyProblem(key: KeyObject, name: JwtKnoxAlgorithm): string | null {
  const problem = problemWith(key, name, ALGORITHMS[name]);
  if (problem) return problem;
  const der = plainKeyOf(key).export({ format: 'der', type: 'spki' });
  return PUBLISHED_KEYS.has(sha256(der, 'base64url')) ? IS_PUBLISHED : null;
}

function problemWith(key: KeyObject, name: JwtKnoxAlgorithm, { family, curve, ...rest }: Algorithm): string | null {
  const type = String(key.asymmetricKeyType);
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (family) {
    case 'ec':
      return type === 'ec' && namedCurve === curve ? null : `${name} needs an EC key on the curve ${curve}.`;
    case 'ed25519':
      if (type !== 'ed25519') return `${name} needs an Ed25519 key.`;
      return isOfSmallOrder(key) ? 'the Ed25519 key is of small order: anybody can sign for it; make a new one.' : null;
    default:
      if (type !== 'rsa' && !(type === 'rsa-pss' && family === 'rsa-pss')) return `${name} needs an RSA key.`;
      return rsaWeakness(key) ?? (type === 'rsa' ? null : boundProblem(key, name, rest));
  }
}

/** RFC 7518 section 3.5: one hash, and a salt of its length. A key that leaves them open signs nothing either. */
function boundProblem(key: KeyObject, name: string, { hash, hashBytes }: Pick<Algorithm, 'hash' | 'hashBytes'>) {
  const { hashAlgorithm, mgf1HashAlgorithm, saltLength = 0 } = key.asymmetricKeyDetails ?? {};
  const isBound = hashAlgorithm === hash && mgf1HashAlgorithm === hash && saltLength <= hashBytes;
  return isBound ? null : `the RSA-PSS key is not bound to the parameters of ${name}; make a plain RSA key.`;
}

/** The y coordinates of the points whose order divides 8, in all their spellings (RFC 8032 section 5.1.3), in hex. */
const SMALL_ORDER = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

function isOfSmallOrder(key: KeyObject): boolean {
  const point = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');
  // The highest bit is the sign of x.
  point[31]! &= 0x7f;
  return SMALL_ORDER.has(point.toString('hex'));
}
