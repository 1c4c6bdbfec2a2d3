import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JwtKnoxKey, JwtKnoxOptions } from '../options/options';
import { algorithmOf } from './algorithms';
import { type PublicKeySet, publicJwkOf } from './jwk';
import { type KeyringKey, loadKey } from './key-loader';
import { sha256 } from './token-key';

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
   * @param needs `signing`: one key that can sign. `publishing`: a public key to show. `streaming`: the key that signs is one.
   */
  static load(
    options: Pick<JwtKnoxOptions, 'secret' | 'keys'>,
    needs: { signing: boolean; publishing: boolean; streaming?: boolean } = { signing: true, publishing: false },
  ): Keyring {
    const problems: string[] = [];
    const keys = new Map<string, KeyringKey>();
    const all = givenKeys(options, problems);
    for (const given of all) {
      const key = loadKey(given, problems);
      if (!key) continue;
      if (keys.has(key.kid)) problems.push(`keys: duplicate kid '${key.kid}'; use a unique kid for each key.`);
      keys.set(key.kid, key);
    }
    reportSharedKeys([...keys.values()], problems);
    if (needs.signing && problems.length === 0 && ![...keys.values()].some((key) => key.signing)) {
      problems.push('keys: none can sign; set secret or privateKey of one key.');
    }
    if (needs.publishing && all.length > 0 && all.every((key) => algorithmOf(key?.algorithm)?.family === 'hmac')) {
      problems.push(
        'routes.jwks: no key is asymmetric, and secrets are never published; add an RS, PS, ES or Ed25519 key, or leave routes.jwks out.',
      );
    }
    const signing = [...keys.values()].find((key) => key.signing);
    if (needs.streaming && signing?.signing?.type === 'secret') problems.push(SECRET_STREAM);
    return new Keyring(keys, problems);
  }

  /** No keys: for services that introspect tokens, or fetch published keys. */
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

  /** The public keys, for whoever verifies tokens without the secret: never a secret one. */
  get publicKeys(): PublicKeySet {
    const asymmetric = this.all.filter((key) => key.verifying.type === 'public');
    return { keys: asymmetric.map(publicJwkOf) };
  }

  find(kid: string): KeyringKey | undefined {
    return this.keys.get(kid);
  }
}

const SECRET_STREAM =
  'routes.revocations: the key that signs is a secret, and clients could not check what they hear; list an RS, PS, ES or ' +
  'Ed25519 key first.';

function givenKeys(options: Pick<JwtKnoxOptions, 'secret' | 'keys'>, problems: string[]): JwtKnoxKey[] {
  const { secret, keys } = options;
  if (secret !== undefined && keys !== undefined) problems.push('secret, keys: both are set; set one of the two.');
  if (Array.isArray(keys) && keys.length > 0) return keys;
  if (keys !== undefined) {
    problems.push('keys: must be a list of at least one { kid, algorithm, secret | privateKey | publicKey }.');
    return [];
  }
  if (secret === undefined || secret === null || secret === '') {
    problems.push(
      'secret: missing or empty; set at least 32 random bytes, e.g. the output of `openssl rand -base64 48`, or `keys`.',
    );
    return [];
  }
  return [{ kid: 'default', algorithm: 'HS256', secret }];
}

/** One key under two algorithms, or two names, would let a token of the one pass as a token of the other. */
function reportSharedKeys(keys: KeyringKey[], problems: string[]): void {
  const seen = new Map<string, string>();
  for (const { kid, verifying } of keys) {
    const bytes = verifying.type === 'secret' ? verifying.export() : verifying.export({ format: 'der', type: 'spki' });
    const print = sha256(bytes);
    const other = seen.get(print);
    if (other !== undefined)
      problems.push(`keys: '${other}' and '${kid}' are the same key; use a key for one algorithm and one kid only.`);
    seen.set(print, kid);
  }
}
