import { createPrivateKey, createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { keyProblem } from './key-fitness';
import { assessSecret, LEAST_BITS } from './secret-check';
import { textDigest } from './text-digest';
import { type PublicKeySet, publicJwkOf } from './jwk';
import type { JwtKnoxAlgorithm, JwtKnoxKey, JwtKnoxOptions, KeyMaterial } from '../options/options';

/** A key that verifies and, with `signing`, signs. Only KeyObjects: a string secret costs up to 70 times as much. */
export interface KeyringKey {
  readonly kid: string;
  readonly algorithm: JwtKnoxAlgorithm;
  readonly verifying: KeyObject;
  readonly signing: KeyObject | null;
}

const NONE_SIGNS = 'keys: none can sign; give one key its secret or privateKey.';

const ALGORITHM = /^(HS|RS|PS|ES)(256|384|512)$/;

/**
 * The keys that sign and verify tokens, by `kid`.
 * Sizes and curves after RFC 7518 sections 3.2 to 3.5 and OWASP ASVS 5.0 chapter V11.
 */
@Injectable()
export class Keyring {
  private constructor(
    private readonly keys: ReadonlyMap<string, KeyringKey>,
    /** What is wrong with the keys, each with its remedy; told at start-up. */
    readonly problems: readonly string[],
  ) {}

  /**
   * Never throws: what is wrong is in {@link problems}.
   * @param publishes whether the public keys are to be shown, so that there must be one
   */
  static load(options: Pick<JwtKnoxOptions, 'secret' | 'keys'>, publishes = false): Keyring {
    const problems: string[] = [];
    const keys = new Map<string, KeyringKey>();
    const all = givenKeys(options, problems);
    for (const given of all) {
      const key = loadKey(given, problems);
      if (!key) continue;
      if (keys.has(key.kid)) problems.push(`keys: the kid '${key.kid}' stands twice; give each key its own.`);
      keys.set(key.kid, key);
    }
    reportSharedKeys([...keys.values()], problems);
    if (problems.length === 0 && ![...keys.values()].some((key) => key.signing)) {
      problems.push(NONE_SIGNS);
    }
    if (publishes && all.length > 0 && all.every((key) => String(key?.algorithm).startsWith('HS'))) {
      problems.push(
        'routes.jwks: no key is asymmetric, and secrets are never published; add an RS, PS or ES key, or leave routes.jwks out.',
      );
    }
    return new Keyring(keys, problems);
  }

  /** The keys of who only verifies: none of them has to sign. */
  static loadVerifying(options: Pick<JwtKnoxOptions, 'secret' | 'keys'>): Keyring {
    const { keys, problems } = Keyring.load(options);
    return new Keyring(
      keys,
      problems.filter((problem) => problem !== NONE_SIGNS),
    );
  }

  /** For who asks others, or fetches keys when a token needs them. */
  static none(): Keyring {
    return new Keyring(new Map(), []);
  }

  /** The key that signs: the first that can. */
  get signingKey(): KeyringKey & { readonly signing: KeyObject } {
    for (const key of this.keys.values()) if (key.signing) return key as KeyringKey & { signing: KeyObject };
    throw new Error('The keyring holds no key that can sign.');
  }

  get all(): KeyringKey[] {
    return [...this.keys.values()];
  }

  get algorithms(): JwtKnoxAlgorithm[] {
    return [...new Set(this.all.map((key) => key.algorithm))];
  }

  /** The public keys, for whoever verifies tokens without the secret: never a secret one. */
  get publicKeys(): PublicKeySet {
    const asymmetric = this.all.filter((key) => key.verifying.type === 'public');
    return { keys: asymmetric.map(publicJwkOf) };
  }

  find(kid: string): KeyringKey | undefined {
    return this.keys.get(kid);
  }
}

function givenKeys(options: Pick<JwtKnoxOptions, 'secret' | 'keys'>, problems: string[]): JwtKnoxKey[] {
  const { secret, keys } = options;
  if (secret !== undefined && keys !== undefined) problems.push('secret, keys: give one of the two, not both.');
  if (Array.isArray(keys) && keys.length > 0) return keys;
  if (keys !== undefined) {
    problems.push('keys: must be a list of at least one { kid, algorithm, secret | privateKey | publicKey }.');
    return [];
  }
  if (secret === undefined || secret === null || secret === '') {
    problems.push(
      'secret: missing or empty; give at least 32 random bytes, e.g. the output of `openssl rand -base64 48`, or `keys`.',
    );
    return [];
  }
  return [{ kid: 'default', algorithm: 'HS256', secret }];
}

function loadKey(key: JwtKnoxKey, problems: string[]): KeyringKey | null {
  const before = problems.length;
  // A kid of another form may be a secret that stands in the wrong place: it is not repeated.
  const named = typeof key?.kid === 'string' && /^[\w.-]{1,64}$/.test(key.kid);
  const name = named ? `key '${key.kid}'` : 'a key';
  if (!named) problems.push(`${name}: kid must be 1 to 64 letters, digits, '.', '_' or '-'.`);
  if (typeof key?.algorithm !== 'string' || !ALGORITHM.test(key.algorithm)) {
    problems.push(`${name}: algorithm must be HS, RS, PS or ES with 256, 384 or 512.`);
  }
  if (problems.length > before) return null;
  const problem = (text: string) => void problems.push(`${name}: ${text}`);
  const loaded = key.algorithm.startsWith('HS') ? loadSecret(key, problem) : loadKeyPair(key, problem);
  return loaded && problems.length === before ? { kid: key.kid, algorithm: key.algorithm, ...loaded } : null;
}

type Loaded = Pick<KeyringKey, 'verifying' | 'signing'> | null;

function loadSecret(key: JwtKnoxKey, problem: (text: string) => void): Loaded {
  if (key.privateKey !== undefined || key.publicKey !== undefined || key.secret === undefined) {
    problem(`${key.algorithm} takes a secret, and no privateKey or publicKey.`);
    return null;
  }
  const least = Number(key.algorithm.slice(2)) / 8;
  const bytes = secretBytes(key.secret);
  if (!bytes) problem('the secret must be a string, a Buffer or a secret KeyObject.');
  else if (isAsymmetricKey(bytes)) {
    problem('the secret is an asymmetric key; give it as privateKey or publicKey with an RS, PS or ES algorithm.');
  } else {
    const wrong = secretProblem(bytes, key.algorithm);
    const verifying = createSecretKey(bytes);
    if (!wrong) return { verifying, signing: verifying };
    problem(`the secret ${wrong}; make one with \`openssl rand -base64 ${least + 16}\`.`);
  }
  return null;
}

function secretProblem(bytes: Buffer, algorithm: JwtKnoxAlgorithm): string | null {
  const least = Number(algorithm.slice(2)) / 8;
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

/** A public key as HMAC secret would let anybody sign. */
function isAsymmetricKey(bytes: Buffer): boolean {
  const text = bytes.toString();
  if (text.includes('-----BEGIN') || /^\s*\{[\s\S]*"kty"/.test(text)) return true;
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
    problem(`the ${kind} cannot be read; give it as PEM text (with its line breaks) or as a KeyObject.`);
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

/** One key under two algorithms, or two names, would let a token of the one pass as a token of the other. */
function reportSharedKeys(keys: KeyringKey[], problems: string[]): void {
  const seen = new Map<string, string>();
  for (const { kid, verifying } of keys) {
    const bytes = verifying.type === 'secret' ? verifying.export() : verifying.export({ format: 'der', type: 'spki' });
    const print = textDigest(bytes, 'hex');
    const other = seen.get(print);
    if (other !== undefined)
      problems.push(`keys: '${other}' and '${kid}' are the same key; use a key for one algorithm and one kid only.`);
    seen.set(print, kid);
  }
}
