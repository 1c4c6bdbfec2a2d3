import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyProblem } from '../../../lib/tokens/key-loader';
import { Keyring } from '../../../lib/tokens/keyring';
import { rsaWeakness } from '../../../lib/tokens/rsa-weakness';
import type { JwtKnoxKey } from '../../../lib/options/options';
import { primeAfter, publicRsaOf, randomPrime, rocaPrime, rsaOf } from '../../support/weak-keys';

const [p, q] = [randomPrime(), randomPrime()];
const roca = rsaOf(rocaPrime(), rocaPrime());
const close = rsaOf(p, primeAfter(p));
const withExponent = (publicExponent: number) => generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent });
const pem = (key: KeyObject) =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }) as string;
const load = (key: object) => Keyring.load({ keys: [{ kid: 'a', algorithm: 'RS256', ...key } as JwtKnoxKey] }).problems;

const REMEDY = /openssl genpkey -algorithm RSA/;

describe('S6: an RSA key', () => {
  it.each([1n, 2n, 3n, 5n, 17n, 257n, 65_535n, 65_536n, 65_538n, 2n ** 64n, 2n ** 256n + 1n])(
    'with the public exponent %s is refused (FIPS 186-5), whatever it signs with',
    (e) => {
      const key = publicRsaOf(p * q, e);
      for (const algorithm of ['RS256', 'PS512'] as const) {
        const problem = keyProblem(key, algorithm);
        expect(problem).toMatch(/public exponent (is \d+|is even or too long); it must be odd and 65537 or more/);
        expect(problem).toMatch(REMEDY);
      }
    },
  );

  it.each([65_537n, 65_539n, 4_294_967_297n, 2n ** 255n + 1n])('with the public exponent %s is taken', (e) =>
    expect(rsaWeakness(publicRsaOf(p * q, e))).toBeNull(),
  );

  it('of three as public exponent is refused in every form, private, public or bound to RSA-PSS', () => {
    const three = withExponent(3);
    const bound = { hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256', publicExponent: 3, modulusLength: 2_048 };
    for (const key of [
      { privateKey: pem(three.privateKey) },
      { privateKey: three.privateKey },
      { publicKey: pem(three.publicKey) },
      { algorithm: 'PS256', privateKey: generateKeyPairSync('rsa-pss', bound).privateKey },
    ]) {
      expect(load(key)).toEqual([expect.stringMatching(/^key 'a': the RSA key's public exponent is 3; /)]);
    }
  });

  it('whose primes came from a broken generator is refused (ROCA, CVE-2017-15361)', () => {
    for (const key of [{ privateKey: pem(roca) }, { algorithm: 'PS384', privateKey: roca }]) {
      expect(load(key)).toEqual([expect.stringMatching(/^key 'a': the RSA key was made by a broken generator/)]);
      expect(load(key)[0]).toMatch(REMEDY);
    }
  });

  it('control: with one prime from it, or with both from a sound one, it is not taken for such a key', () => {
    expect(rsaWeakness(publicRsaOf(rocaPrime() * q))).toBeNull();
    expect(load({ privateKey: rsaOf(p, q) })).toEqual([]);
  });

  it('that is easily factored is refused: close primes, a square, small factors', () => {
    const factored = /^key 'a': the RSA key's modulus is easily factored, so that anybody can sign; make a new key/;
    expect(load({ privateKey: close })).toEqual([expect.stringMatching(factored)]);
    for (const n of [p * p, 3n * p * q, 2n * p * q, 751n * p * q]) {
      expect(rsaWeakness(publicRsaOf(n))).toMatch(/easily factored/);
    }
    expect(rsaWeakness(publicRsaOf(757n * p * q))).toBeNull();
  });

  it('of a size that is too small, or that OpenSSL verifies nothing with, is refused before its numbers are looked at', () => {
    expect(rsaWeakness(publicRsaOf(p, 3n))).toBe('the RSA key has 1024 bits; it needs 2048 or more.');
    expect(rsaWeakness(publicRsaOf(2n ** 16_384n + 1n))).toBe('the RSA key has 16385 bits; 16384 is the most.');
  });

  it('from a sound generator is taken', () => {
    for (const modulusLength of [2_048, 3_072]) {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
      expect(rsaWeakness(publicKey)).toBeNull();
    }
    const hashes = { hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' };
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2_048, ...hashes });
    expect(rsaWeakness(publicKey)).toBeNull();
  });
});
