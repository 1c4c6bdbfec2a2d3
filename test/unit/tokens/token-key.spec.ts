import { createHash, createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateId, generateSalt, isEncodedTokenKey, TokenKey } from '../../../lib/tokens/token-key';
import { often } from '../../support/lengths';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const keyOf = (bytes: Buffer) => TokenKey.decode(bytes.toString('base64url'));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('a token key', () => {
  it('is 256 random bits, never the same twice', () => {
    const keys = Array.from({ length: 1_000 }, () => TokenKey.generate().encode());
    expect(new Set(keys).size).toBe(1_000);
    for (const key of keys) expect(Buffer.from(key, 'base64url')).toHaveLength(32);
  });

  it('reads back what it wrote, whatever the bits', () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        const encoded = keyOf(bytes).encode();
        expect(encoded).toBe(bytes.toString('base64url'));
        expect(isEncodedTokenKey(encoded)).toBe(true);
      }),
    );
  });

  it('has a digest that is the SHA-256 of its bytes, in lowercase hex', () => {
    fc.assert(fc.property(bytes32, (bytes) => void expect(keyOf(bytes).digest()).toBe(sha256(bytes))));
  });

  it('matches its own digest and no other', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (one, other) => {
        expect(keyOf(one).matches(sha256(one))).toBe(true);
        expect(keyOf(one).matches(sha256(other))).toBe(one.equals(other));
      }),
    );
  });

  it('matches no digest that differs in one bit', () => {
    fc.assert(
      fc.property(bytes32, fc.nat({ max: 255 }), (bytes, bit) => {
        const digest = Buffer.from(sha256(bytes), 'hex');
        digest[bit >> 3]! ^= 1 << (bit & 7);
        expect(keyOf(bytes).matches(digest.toString('hex'))).toBe(false);
      }),
    );
  });

  it.each([
    null,
    '',
    'a',
    'f'.repeat(63),
    'f'.repeat(65),
    'z'.repeat(64),
    `${'f'.repeat(62)}zz`,
    'é'.repeat(64),
    '\0'.repeat(64),
  ])('does not match %j, which is no digest', (digest) => expect(TokenKey.generate().matches(digest)).toBe(false));

  it('does not match itself: a stored key is no digest', () => {
    const key = randomBytes(32);
    expect(keyOf(key).matches(key.toString('hex'))).toBe(false);
  });
});

describe('the keys of a session', () => {
  const OF_0_1 = { accessKeyIndex: null, accessSalt: null };

  it('derive the access key by HMAC from session key, index and salt', () => {
    fc.assert(
      fc.property(bytes32, fc.nat(), bytes32, (session, accessKeyIndex, salt) => {
        const expected = createHmac('sha256', session).update(`access${accessKeyIndex}`).update(salt).digest();
        const of = { accessKeyIndex, accessSalt: salt.toString('hex') };
        expect(keyOf(session).accessKey(of).encode()).toBe(expected.toString('base64url'));
      }),
    );
  });

  it('derive the access key of a session from version 0.1 from its session key alone', () => {
    fc.assert(
      fc.property(bytes32, (session) => {
        const expected = createHmac('sha256', session).update('access').digest();
        expect(keyOf(session).accessKey(OF_0_1).encode()).toBe(expected.toString('base64url'));
      }),
    );
  });

  it('derive the successor by HMAC from key and salt, the same each time', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (key, salt) => {
        const expected = createHmac('sha256', key)
          .update(Buffer.concat([Buffer.from('refresh'), salt]))
          .digest();
        expect(keyOf(key).successor(salt.toString('hex')).encode()).toBe(expected.toString('base64url'));
      }),
    );
  });

  it('are all different: session key, access key, refresh key and its successors', () => {
    fc.assert(
      fc.property(bytes32, bytes32, bytes32, (key, salt, otherSalt) => {
        fc.pre(!salt.equals(otherSalt));
        const session = keyOf(key);
        const successor = session.successor(salt.toString('hex'));
        const keys = [
          session,
          session.accessKey(OF_0_1),
          session.accessKey({ accessKeyIndex: 0, accessSalt: salt.toString('hex') }),
          session.accessKey({ accessKeyIndex: 1, accessSalt: salt.toString('hex') }),
          session.accessKey({ accessKeyIndex: 0, accessSalt: otherSalt.toString('hex') }),
          successor,
          session.successor(otherSalt.toString('hex')),
          successor.accessKey(OF_0_1),
        ];
        expect(new Set(keys.map((one) => one.encode())).size).toBe(keys.length);
      }),
    );
  });

  it('have a fresh salt of 32 bytes and a fresh id each', () => {
    expect(generateSalt()).toMatch(/^[0-9a-f]{64}$/);
    expect(generateId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(generateSalt()).not.toBe(generateSalt());
    expect(generateId()).not.toBe(generateId());
  });
});

describe('an encoded token key', () => {
  it('is canonical base64url of 32 bytes and nothing else', () => {
    const looksRight = fc.string({
      unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'),
      minLength: 42,
      maxLength: 44,
    });
    fc.assert(
      fc.property(fc.oneof(looksRight, fc.string(), fc.base64String()), (text) => {
        const bytes = Buffer.from(text, 'base64url');
        expect(isEncodedTokenKey(text)).toBe(bytes.length === 32 && bytes.toString('base64url') === text);
      }),
      { numRuns: often(400, 2_000) },
    );
  });

  it.each([
    undefined,
    null,
    0,
    43,
    true,
    {},
    [],
    ['A'.repeat(43)],
    Buffer.alloc(32),
    new String('A'.repeat(43)),
    `${'A'.repeat(43)}\n`,
  ])('is not %j', (value) => expect(isEncodedTokenKey(value)).toBe(false));
});

describe('S11: a token key in logs', () => {
  it('is hidden however it is printed, serialized, copied or looked through', () => {
    const key = TokenKey.generate();
    const holder = { key, list: [key], map: new Map([['key', key]]) };
    const shown = [
      inspect(key), inspect(holder, { depth: 9, showHidden: true }), inspect(key, { customInspect: false, showHidden: true }), JSON.stringify(key),
      JSON.stringify(holder), String(key), `${key as unknown as string}`, JSON.stringify({ ...key }), JSON.stringify(structuredClone({ ...key })),
      Reflect.ownKeys(key).map(String).join(), new Error('failed', { cause: key }).stack!, inspect(new Error('failed', { cause: key })),
    ].join('\n'); // prettier-ignore
    const bytes = Buffer.from(key.encode(), 'base64url');
    for (const encoding of ['base64url', 'base64', 'hex', 'latin1'] as const) {
      expect(shown).not.toContain(bytes.toString(encoding));
    }
    expect(shown).not.toContain([...bytes].join());
    expect(shown).toContain('[TokenKey]');
  });
});
