import { createSecretKey, generateKeyPairSync, KeyObject, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Keyring } from '../../../lib/tokens/keyring';
import type { JwtKnoxAlgorithm, JwtKnoxKey } from '../../../lib/options/options';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pss = generateKeyPairSync('rsa-pss', {
  modulusLength: 2048,
  hashAlgorithm: 'sha384',
  mgf1HashAlgorithm: 'sha384',
});
const curves = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
};
const pem = (key: KeyObject) =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }) as string;
const load = (...keys: object[]) => Keyring.load({ keys: keys as JwtKnoxKey[] });
const hs = (kid: string, secret: JwtKnoxKey['secret'] = randomBytes(64), algorithm: JwtKnoxAlgorithm = 'HS256') => ({
  kid,
  algorithm,
  secret,
});

describe('the keyring', () => {
  it('takes one secret for a key named default that signs with HS256', () => {
    const ring = Keyring.load({ secret: randomBytes(32) });
    expect(ring.problems).toEqual([]);
    expect(ring.signingKey).toMatchObject({ kid: 'default', algorithm: 'HS256' });
    expect(ring.find('default')).toBe(ring.signingKey);
  });

  it('signs with the first key that can, and verifies with all', () => {
    const ring = load({ kid: 'public', algorithm: 'RS256', publicKey: pem(rsa.publicKey) }, hs('new'), hs('old'));
    expect(ring.problems).toEqual([]);
    expect(ring.signingKey.kid).toBe('new');
    expect(['public', 'new', 'old'].map((kid) => ring.find(kid)?.kid)).toEqual(['public', 'new', 'old']);
    expect(ring.find('public')!.signing).toBeNull();
  });

  it('finds no key but those it was given, whatever their name', () => {
    const ring = load(hs('a'));
    for (const kid of ['', 'A', 'b', '__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      expect(ring.find(kid)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (kid) => void expect(ring.find(kid)?.kid).toBe(kid === 'a' ? 'a' : undefined)));
  });

  it.each(['HS256', 'HS384', 'HS512'] as const)(
    'S6: takes a secret for %s from the length of its hash on',
    (algorithm) => {
      const least = Number(algorithm.slice(2)) / 8;
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 130 }), fc.constantFrom('buffer', 'text', 'key'), (length, form) => {
          const bytes = randomBytes(length);
          const text = bytes.toString('hex').slice(0, length);
          // A secret that repeats itself is refused for that; a short one is the subject here.
          fc.pre(new Set<unknown>(form === 'text' ? text : bytes).size > 4 || length === 1);
          const secret = form === 'buffer' ? bytes : form === 'text' ? text : createSecretKey(bytes);
          const { problems } = load(hs('a', secret, algorithm));
          expect(problems.length === 0).toBe(length >= least);
          if (length < least) expect(problems[0]).toContain(`has ${length} bytes and ${algorithm} needs ${least}`);
        }),
      );
    },
  );

  it('counts a secret in bytes, not in characters', () => {
    expect(load(hs('a', 'aébècàdùeîfôgûhïjäkölü')).problems).toEqual([]);
  });

  it.each([
    ['text', (key: KeyObject) => pem(key)],
    ['bytes', (key: KeyObject) => Buffer.from(pem(key))],
    ['a KeyObject', (key: KeyObject) => key],
  ] as const)('takes private and public keys as %s', (_form, as) => {
    const pairs = [
      ['RS256', rsa], ['RS384', rsa], ['RS512', rsa], ['PS256', rsa], ['PS384', pss], ['PS512', rsa],
      ['ES256', curves.ES256], ['ES384', curves.ES384], ['ES512', curves.ES512],
    ] as const; // prettier-ignore
    for (const [algorithm, { privateKey, publicKey }] of pairs) {
      const ring = load({ kid: 'a', algorithm, privateKey: as(privateKey) });
      expect(ring.problems).toEqual([]);
      expect(ring.signingKey.signing.equals(privateKey)).toBe(true);
      expect(ring.signingKey.verifying.equals(publicKey)).toBe(true);
      expect(
        load(hs('h'), { kid: 'a', algorithm, publicKey: as(publicKey) })
          .find('a')!
          .verifying.equals(publicKey),
      ).toBe(true);
    }
  });

  it('holds every key as a KeyObject, whatever it was given as', () => {
    const secret = randomBytes(64);
    const given = [hs('a', secret), hs('b', secret.toString('base64'), 'HS384'), hs('c', createSecretKey(randomBytes(64)), 'HS512'),
      { kid: 'd', algorithm: 'RS256', privateKey: pem(rsa.privateKey) }, { kid: 'e', algorithm: 'ES256', publicKey: Buffer.from(pem(curves.ES256.publicKey)) }]; // prettier-ignore
    const ring = load(...given);
    expect(ring.problems).toEqual([]);
    for (const { kid } of given) {
      const key = ring.find(kid)!;
      expect(key.verifying).toBeInstanceOf(KeyObject);
      if (key.signing) expect(key.signing).toBeInstanceOf(KeyObject);
    }
  });

  it('S6: tells one key apart from another by its material, not by its form', () => {
    const same: [object, object][] = [
      [hs('a', randomBytes(48)), {}],
      [{ kid: 'a', algorithm: 'RS256', privateKey: pem(rsa.privateKey) }, { privateKey: rsa.privateKey }],
      [
        { kid: 'a', algorithm: 'RS256', privateKey: rsa.privateKey },
        { privateKey: undefined, publicKey: pem(rsa.publicKey), algorithm: 'PS256' },
      ],
      [
        { kid: 'a', algorithm: 'HS256', secret: 'Kq7xPz2mWv9tRb4nYc6hJd8sLf3gXa5TT' },
        { secret: Buffer.from('Kq7xPz2mWv9tRb4nYc6hJd8sLf3gXa5TT') },
      ],
    ];
    for (const [one, change] of same)
      expect(load(one, { ...one, ...change, kid: 'b' }).problems).toEqual([
        expect.stringContaining("'a' and 'b' are the same key"),
      ]);
    const different = [
      { kid: 'a', algorithm: 'RS256', privateKey: rsa.privateKey },
      { kid: 'b', algorithm: 'RS256', privateKey: otherRsa.privateKey },
    ];
    expect(load(...different).problems).toEqual([]);
  });

  it.each<[string, object]>([
    ['HS256 with a private key', { algorithm: 'HS256', privateKey: rsa.privateKey }],
    ['HS256 with a secret and a public key', { algorithm: 'HS256', secret: randomBytes(32), publicKey: rsa.publicKey }],
    ['HS256 with a private KeyObject as secret', { algorithm: 'HS256', secret: rsa.privateKey }],
    ['HS256 with a number as secret', { algorithm: 'HS256', secret: 42 }],
    ['HS256 without a secret', { algorithm: 'HS256' }],
    ['RS256 with a secret', { algorithm: 'RS256', secret: randomBytes(32) }],
    ['RS256 with both halves', { algorithm: 'RS256', privateKey: rsa.privateKey, publicKey: rsa.publicKey }],
    ['RS256 with neither half', { algorithm: 'RS256' }],
    ['RS256 with an RSA-PSS key', { algorithm: 'RS256', privateKey: pss.privateKey }],
    ['RS256 with a public KeyObject as private key', { algorithm: 'RS256', privateKey: rsa.publicKey }],
    ['RS256 with a private KeyObject as public key', { algorithm: 'RS256', publicKey: rsa.privateKey }],
    ['RS256 with text that is no key', { algorithm: 'RS256', privateKey: 'not a key' }],
    [
      'RS256 with an encrypted key',
      {
        algorithm: 'RS256',
        privateKey: rsa.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }),
      },
    ],
  ])('S6: refuses %s, and says so once', (_title, key) => {
    expect(load({ kid: 'a', ...key }).problems).toEqual([expect.stringMatching(/^key 'a': /)]);
  });

  it('says so when an algorithm cannot even become text', () => {
    const algorithm = Object.create(null) as never;
    expect(Keyring.load({ keys: [{ kid: 'a', algorithm, secret: 'x' }] }).problems).toHaveLength(1);
  });

  it('never throws while loading, whatever it is given', () => {
    const anyKey = fc.oneof(
      fc.anything(),
      fc.record({ kid: fc.anything(), algorithm: fc.anything(), secret: fc.anything() }, { requiredKeys: [] }),
      fc.record({
        kid: fc.string(),
        algorithm: fc.constantFrom('HS256', 'RS256', 'PS384', 'ES512'),
        secret: fc.oneof(fc.string(), fc.anything()),
        privateKey: fc.oneof(fc.string(), fc.anything()),
        publicKey: fc.anything(),
      }, { requiredKeys: ['kid', 'algorithm'] }),
    ); // prettier-ignore
    const anyOptions = fc.record(
      { secret: fc.anything(), keys: fc.oneof(fc.anything(), fc.array(anyKey)) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anyOptions, (options) => void Keyring.load(options as never)),
      { numRuns: 1_000 },
    );
  });

  it('has no key to sign with where it has problems', () => {
    expect(() => Keyring.load({ secret: '' }).signingKey).toThrow('no key that can sign');
  });

  it('S11: shows no secret when it is printed or serialized, nor in what it complains of', () => {
    const secret = 'Kq7xPz2mWv9tRb4nYc6hJd8sLf3gXa5TT';
    const ring = load(
      hs('a', secret),
      hs('b', randomBytes(64).toString('hex')),
      { kid: 'c', algorithm: 'RS256', privateKey: pem(rsa.privateKey) },
      hs('d', secret),
    );
    const shown = [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring), ring.problems.join()].join(
      '\n',
    );
    expect(ring.problems).toHaveLength(1);
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain(Buffer.from(secret).toString('base64'));
    expect(shown).not.toContain(pem(rsa.privateKey).split('\n')[3]);
  });
});
