import {
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import fc from 'fast-check';
import { compactVerify, CompactSign } from 'jose';
import { type Algorithm as JsonWebTokenAlgorithm, sign as signByJsonWebToken, verify as judge } from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import type { JwtKnoxAlgorithm } from '../../../lib';
import { algorithmOf, ALGORITHMS, isSignature, signatureOf } from '../../../lib/tokens/algorithms';
import { keyProblem, loadKey } from '../../../lib/tokens/key-loader';

interface Pair {
  signing: KeyObject;
  verifying: KeyObject;
}

const NAMES = Object.keys(ALGORITHMS) as JwtKnoxAlgorithm[];
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function pairOf(name: JwtKnoxAlgorithm): Pair {
  const { family, curve } = ALGORITHMS[name];
  if (family === 'hmac') {
    const secret = createSecretKey(randomBytes(64));
    return { signing: secret, verifying: secret };
  }
  const pair =
    family === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: curve! })
      : family === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : rsa;
  return { signing: pair.privateKey, verifying: pair.publicKey };
}
const PAIRS = Object.fromEntries(NAMES.map((name) => [name, pairOf(name)])) as Record<JwtKnoxAlgorithm, Pair>;

const headerOf = (name: string) => Buffer.from(JSON.stringify({ alg: name })).toString('base64url');
const inputOf = (name: string, payload: string) => `${headerOf(name)}.${Buffer.from(payload).toString('base64url')}`;
const tokenOf = (input: string, signature: Buffer) => `${input}.${signature.toString('base64url')}`;
/** jsonwebtoken has no Ed25519. */
const knownToJsonWebToken = NAMES.filter((name) => !name.startsWith('Ed'));

async function joseAccepts(name: string, { verifying }: Pair, input: string, signature: Buffer): Promise<boolean> {
  return compactVerify(tokenOf(input, signature), verifying, { algorithms: [name] }).then(
    () => true,
    () => false,
  );
}

function jsonWebTokenAccepts(name: string, { verifying }: Pair, input: string, signature: Buffer): boolean {
  try {
    judge(tokenOf(input, signature), verifying, { algorithms: [name as JsonWebTokenAlgorithm] });
    return true;
  } catch {
    return false;
  }
}

const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
const bytesOf = (number: bigint, length: number) => Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex');
const reversed = (bytes: Buffer) => Buffer.from([...bytes].toReversed());

/** What verifiers have been seen to accept that must not: forms of a good signature that are none, and empty ones. */
function hostileSignatures(name: JwtKnoxAlgorithm, good: Buffer): [title: string, signature: Buffer][] {
  const { length } = good;
  const half = length / 2;
  const [first, second] = [good.subarray(0, half), good.subarray(half)];
  const zero = Buffer.alloc(half);
  const cases: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(length)],
    ['ones', Buffer.alloc(length, 0xff)],
    ['one byte less', good.subarray(0, -1)],
    ['one byte more', Buffer.concat([good, Buffer.alloc(1)])],
    ['a zero before', Buffer.concat([Buffer.alloc(1), good])],
    ['twice', Buffer.concat([good, good])],
    ['halves exchanged', Buffer.concat([second, first])],
  ];
  if (name === 'ES256') {
    const n = bytesOf(P256_ORDER, half);
    for (const [title, r, s] of [
      ['r = 0', zero, second], ['s = 0', first, zero], ['r = n', n, second], ['s = n', first, n], ['r = s = n', n, n],
      ['r + n', bytesOf((numberOf(first) + P256_ORDER) % 2n ** 256n, half), second],
    ] as const) cases.push([title, Buffer.concat([r, s])]); // prettier-ignore
  }
  if (name.startsWith('Ed')) {
    // RFC 8032 section 5.1.7: S below the order, or a signature has many spellings.
    const s = numberOf(reversed(second)) + ED25519_ORDER;
    cases.push(['S + order', Buffer.concat([first, reversed(bytesOf(s, half))])]);
  }
  return cases;
}

describe.each(NAMES)('signatures of %s', (name) => {
  const pair = PAIRS[name];
  const payload = JSON.stringify({ sub: '42', note: '„ü“' });
  const input = inputOf(name, payload);

  it('are accepted by jose and jsonwebtoken, and theirs are accepted here', async () => {
    const signature = signatureOf(name, pair.signing, input);
    expect(isSignature(name, pair.verifying, input, signature)).toBe(true);
    expect(await joseAccepts(name, pair, input, signature)).toBe(true);
    const byJose = await new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: name }).sign(pair.signing);
    const tokens = [byJose];
    if (knownToJsonWebToken.includes(name)) {
      expect(jsonWebTokenAccepts(name, pair, input, signature)).toBe(true);
      tokens.push(signByJsonWebToken(payload, pair.signing, { algorithm: name as JsonWebTokenAlgorithm }));
    }
    for (const token of tokens) {
      const end = token.lastIndexOf('.');
      const theirs = Buffer.from(token.slice(end + 1), 'base64url');
      expect(isSignature(name, pair.verifying, token.slice(0, end), theirs)).toBe(true);
    }
  });

  it('are refused in every other form, as jose and jsonwebtoken refuse them', async () => {
    const good = signatureOf(name, pair.signing, input);
    for (const [title, signature] of hostileSignatures(name, good)) {
      expect([title, isSignature(name, pair.verifying, input, signature)]).toEqual([title, false]);
      expect([title, await joseAccepts(name, pair, input, signature)]).toEqual([title, false]);
    }
    if (ALGORITHMS[name].family === 'ec') {
      const { hash } = ALGORITHMS[name];
      const der = sign(hash!, Buffer.from(input), pair.signing);
      expect(verify(hash, Buffer.from(input), pair.verifying, der)).toBe(true);
      expect(isSignature(name, pair.verifying, input, der)).toBe(false);
    }
  });

  it('are judged as jose and jsonwebtoken judge them, whatever is changed', async () => {
    const good = signatureOf(name, pair.signing, input);
    const position = fc.nat({ max: good.length - 1 });
    const changed = fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const signature = Buffer.from(good);
      signature[at]! ^= by;
      return signature;
    });
    const any = fc.uint8Array({ maxLength: good.length + 8 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, any), fc.boolean(), async (signature, changesInput) => {
        const text = changesInput ? inputOf(name, `${payload} `) : input;
        const here = isSignature(name, pair.verifying, text, signature);
        expect(await joseAccepts(name, pair, text, signature)).toBe(here);
        if (knownToJsonWebToken.includes(name)) expect(jsonWebTokenAccepts(name, pair, text, signature)).toBe(here);
        expect(here).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('are refused for every other algorithm that takes the key', () => {
    const signature = signatureOf(name, pair.signing, input);
    for (const other of NAMES) {
      const isSame = other === name || (other.startsWith('Ed') && name.startsWith('Ed'));
      if (isSame || ALGORITHMS[other].family === 'hmac') continue;
      if (pair.verifying.type === 'secret' || keyProblem(pair.verifying, other) !== null) continue;
      expect([other, isSignature(other, pair.verifying, input, signature)]).toEqual([other, false]);
    }
  });
});

describe('the table of algorithms', () => {
  it.each(['none', 'None', 'HS1', 'HS512/256', 'ES256K', 'RSA1_5', 'Ed448', 'constructor', '__proto__', '', undefined, 256])(
    'has no %s',
    (name) => expect(algorithmOf(name)).toBeUndefined(),
  ); // prettier-ignore

  it('S6: lets no key of another kind in', () => {
    const kinds = [
      ...(['ES256', 'ES384', 'ES512', 'Ed25519', 'RS256'] as const).map((name) => PAIRS[name].signing),
      generateKeyPairSync('ed448').privateKey,
      generateKeyPairSync('x25519').privateKey,
    ];
    for (const name of NAMES.filter((one) => ALGORITHMS[one].family !== 'hmac')) {
      for (const privateKey of kinds) {
        const problems: string[] = [];
        const key = loadKey({ kid: 'a', algorithm: name, privateKey }, problems);
        const fits = keyProblem(createPublicKey(privateKey), name) === null;
        expect([name, privateKey.asymmetricKeyType, key !== null]).toEqual([name, privateKey.asymmetricKeyType, fits]);
      }
    }
    expect(keyProblem(PAIRS.ES256.verifying, 'Ed25519')).toBe('Ed25519 needs an Ed25519 key.');
  });

  it('S6: lets no Ed25519 key in for which anybody can sign', () => {
    const spki = Buffer.from('302a300506032b6570032100', 'hex');
    const keyAt = (hex: string) =>
      createPublicKey({ key: Buffer.concat([spki, Buffer.from(hex, 'hex')]), format: 'der', type: 'spki' });
    const identity = `01${'00'.repeat(31)}`;
    // Why: of the neutral point, one signature fits every message. OpenSSL notices since 3.5, which Node 20 does not have.
    const isNoticed = process.versions.openssl >= '3.5';
    const forged = Buffer.from(identity + '00'.repeat(32), 'hex');
    expect(isSignature('Ed25519', keyAt(identity), 'anything.at-all', forged)).toBe(!isNoticed);
    for (const point of [identity, '00'.repeat(32), `00${'00'.repeat(30)}80`, `01${'00'.repeat(30)}80`]) {
      expect(keyProblem(keyAt(point), 'Ed25519')).toMatch(/small order/);
      expect(keyProblem(keyAt(point), 'EdDSA')).toMatch(/small order/);
    }
    for (let i = 0; i < 50; i++) expect(keyProblem(generateKeyPairSync('ed25519').publicKey, 'Ed25519')).toBeNull();
  });

  it('keeps keys as KeyObjects, whatever they were given as: text is read once, at the start', () => {
    const pem = PAIRS.Ed25519.signing.export({ format: 'pem', type: 'pkcs8' });
    for (const given of [pem, Buffer.from(pem), PAIRS.Ed25519.signing]) {
      const key = loadKey({ kid: 'a', algorithm: 'Ed25519', privateKey: given }, []);
      expect([key?.signing, key?.verifying]).toEqual([expect.any(KeyObject), expect.any(KeyObject)]);
    }
    const secret = loadKey({ kid: 'a', algorithm: 'HS256', secret: randomBytes(48) }, []);
    expect(secret?.signing).toEqual(expect.any(KeyObject));
  });
});
