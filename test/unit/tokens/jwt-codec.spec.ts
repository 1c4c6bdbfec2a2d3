import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { TokenRejection } from '../../../lib/contracts/errors';
import { JwtCodec } from '../../../lib/tokens/jwt-codec';
import { isSessionId, isUserId, RESERVED_CLAIMS } from '../../../lib/tokens/token-claims';
import { Keyring } from '../../../lib/tokens/keyring';
import { MAX_TOKEN_LENGTH } from '../../../lib/tokens/token-header';
import { generateId, TokenKey } from '../../../lib/tokens/token-key';
import type { JwtKnoxKey, JwtKnoxOptions } from '../../../lib/options/options';
import { resolveOptions } from '../../../lib/options/resolve-options';
import { configuredKeys, decode } from '../../support/forge';
import { often } from '../../support/lengths';

const SECRET = 'Kq7xPz2mWv9tRb4nYc6hJd8sLf3gXa5TT';
const NOW = 1_800_000_000_000;

function codecOf(options: JwtKnoxOptions = {}, realm?: string): JwtCodec {
  const complete = options.keys ? options : { secret: SECRET, ...options };
  const keyring = Keyring.load(complete);
  return new JwtCodec(keyring, resolveOptions(complete, { realm }, keyring.problems));
}

const content = (change = {}) => ({
  userId: '42',
  sessionId: generateId(),
  generation: 3,
  issuedAt: NOW,
  expiresAt: NOW + 300_000,
  tokenKey: TokenKey.generate(),
  ...change,
});

function readAccess(codec: JwtCodec, token: string, now = NOW) {
  return codec.readAccess(codec.open(token, 'access'), now);
}

function readRefresh(codec: JwtCodec, token: string, now = NOW) {
  return codec.readRefresh(codec.open(token, 'refresh'), now);
}

function reasonOf(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (error instanceof TokenRejection) return error.reason;
    throw error;
  }
}

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
};
const keys: JwtKnoxKey[] = [
  ...(['HS256', 'HS384', 'HS512'] as const).map((algorithm) => ({
    kid: algorithm,
    algorithm,
    secret: SECRET.repeat(2),
  })),
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const).map((algorithm) => ({
    kid: algorithm,
    algorithm,
    privateKey: pairs.rsa.privateKey,
  })),
  ...(['ES256', 'ES384', 'ES512'] as const).map((algorithm) => ({
    kid: algorithm,
    algorithm,
    privateKey: pairs[algorithm].privateKey,
  })),
];

describe('a signed token', () => {
  it.each(keys.map((key) => [key.algorithm, key] as const))(
    'reads back as it was written, with %s',
    (algorithm, key) => {
      const codec = codecOf({ keys: [key] });
      const access = content();
      const token = codec.signAccess(access, { plan: 'gold' });
      expect(decode(token).header).toEqual({ alg: algorithm, kid: algorithm, typ: 'at+jwt' });
      const { tokenKey, ...claims } = readAccess(codec, token);
      const { issuedAt: _issuedAt, tokenKey: signedKey, ...said } = access;
      const rights = { scope: undefined, authenticatedAt: 0, actor: null, boundTo: null };
      expect(claims).toEqual({ ...said, ...rights, audience: [], custom: { plan: 'gold' } });
      expect(tokenKey.encode()).toBe(signedKey.encode());
      const session = TokenKey.generate();
      const refresh = readRefresh(codec, codec.signRefresh(access, session));
      expect([refresh.sessionKey.encode(), refresh.tokenKey.encode()]).toEqual([session.encode(), signedKey.encode()]);
    },
  );

  it('says what the documentation says, and no more', () => {
    const codec = codecOf({ issuer: 'https://a.example', audience: ['x', 'y'] });
    const one = content();
    const both = {
      iss: 'https://a.example', sub: '42', sid: one.sessionId, jti: expect.stringMatching(/^[0-9a-f-]{36}$/), iat: NOW / 1_000, exp: NOW / 1_000 + 300, gen: 3,
      token_key: one.tokenKey.encode(),
    }; // prettier-ignore
    const session = TokenKey.generate();
    expect(decode(codec.signAccess(one, {})).payload).toEqual({
      ...both,
      aud: ['x', 'y'],
      client_id: 'https://a.example',
    });
    expect(decode(codec.signRefresh(one, session)).payload).toEqual({
      ...both,
      aud: 'https://a.example',
      session_key: session.encode(),
    });
    expect(decode(codecOf().signAccess(one, {})).payload).not.toHaveProperty('iss');
    expect(decode(codecOf({ audience: 'x' }).signAccess(one, {})).payload.aud).toBe('x');
    for (const options of [{ audience: 'x' }, { issuer: 'https://a.example' }, {}]) {
      expect(decode(codecOf(options).signAccess(one, {})).payload).not.toHaveProperty('client_id');
    }
  });

  it('carries a public id of its own each time', () => {
    const codec = codecOf();
    const one = content();
    expect(decode(codec.signAccess(one, {})).payload.jti).not.toBe(decode(codec.signAccess(one, {})).payload.jti);
  });

  it('brings custom claims back as JSON does, and never lets one take the place of its own', () => {
    const codec = codecOf();
    const custom = fc.dictionary(
      fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom(...RESERVED_CLAIMS)),
      fc.jsonValue({ maxDepth: 2 }),
      { maxKeys: 5 },
    );
    fc.assert(
      fc.property(custom, (claims) => {
        const one = content();
        const own = Object.fromEntries(Object.entries(claims).filter(([name]) => !RESERVED_CLAIMS.has(name)));
        const harmless = { ...claims };
        // These the library does not set itself: `issue` refuses them before they come here.
        for (const name of ['aud', 'iss', 'nbf', 'realm', 'act', 'cnf']) delete harmless[name];
        const read = readAccess(codec, codec.signAccess(one, harmless));
        expect(read.custom).toEqual(JSON.parse(JSON.stringify(own)));
        expect([read.userId, read.sessionId, read.generation]).toEqual(['42', one.sessionId, 3]);
        expect(Object.getPrototypeOf(read.custom)).toBe(Object.prototype);
      }),
    );
  });

  it.each([...Object.getOwnPropertyNames(Object.prototype)])('may carry a custom claim named %s', (name) => {
    const codec = codecOf();
    const custom = JSON.parse(`{"${name}":"x"}`);
    expect(readAccess(codec, codec.signAccess(content(), custom)).custom).toEqual(custom);
  });

  it('is refused at birth when custom claims make it too long, without repeating them', () => {
    const big = { note: 'Kq7xPz2mWv9'.repeat(300) };
    expect(() => codecOf().signAccess(content(), big)).toThrow(
      /access token would have \d+ characters, and 4096 is the most/,
    );
    expect(() => codecOf().signAccess(content(), big)).not.toThrow(/Kq7xPz2mWv9/);
    expect(codecOf().signAccess(content(), { note: 'x'.repeat(2_000) }).length).toBeLessThanOrEqual(MAX_TOKEN_LENGTH);
  });

  it('is shown to people with its key redacted', () => {
    const codec = codecOf();
    const one = content();
    const token = codec.signAccess(one, { plan: 'gold' });
    expect(codec.show(token)).toEqual({ ...decode(token).payload, token_key: '[redacted]' });
    expect(JSON.stringify(codec.show(token))).not.toContain(one.tokenKey.encode());
  });
});

describe('the header gate', () => {
  const codec = codecOf({ keys: configuredKeys });
  const good = codec.signAccess(content(), {});

  it('finds the key that must have signed', () => {
    expect(codec.keyFor(good, 'access').kid).toBe('rsa');
    expect(reasonOf(() => codec.keyFor(good, 'refresh'))).toBe('header');
  });

  it('knows what it signs by the text of the header, and reads any other', () => {
    const parse = vi.spyOn(JSON, 'parse');
    try {
      for (const { kid } of configuredKeys) {
        const signing = codecOf({ keys: [configuredKeys.find((key) => key.kid === kid)!] });
        const token = signing.signAccess(content(), {});
        parse.mockClear();
        expect(signing.keyFor(token, 'access').kid).toBe(kid);
        expect(parse).not.toHaveBeenCalled();
        const [header, ...rest] = token.split('.');
        const { alg, typ } = JSON.parse(Buffer.from(header!, 'base64url').toString()) as Record<string, string>;
        const reordered = Buffer.from(JSON.stringify({ kid, typ, alg })).toString('base64url');
        parse.mockClear();
        expect(signing.keyFor([reordered, ...rest].join('.'), 'access').kid).toBe(kid);
        expect(parse).toHaveBeenCalledTimes(1);
      }
    } finally {
      parse.mockRestore();
    }
  });

  it('answers any text with a key or a refusal, never with another error', () => {
    const json = fc.oneof(
      fc.json({ maxDepth: 2 }),
      fc.record({ alg: fc.anything(), kid: fc.anything(), typ: fc.anything() }).map((one) => safeJson(one)),
    );
    const part = json.map((text) => Buffer.from(text).toString('base64url'));
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')),
    );
    fc.assert(
      fc.property(text, (raw) => void expect(reasonOf(() => codec.keyFor(raw, 'access'))).not.toBe('accepted')),
      { numRuns: often(400, 2_000) },
    );
  });

  it('accepts one spelling of a token only', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = [...alphabet].map((last) => good.slice(0, -1) + last);
    const sound = spellings.filter((token) => reasonOf(() => codec.open(token, 'access')) === 'accepted');
    expect(sound).toEqual([good]);
  });

  it('takes linear time for the longest and worst of inputs', () => {
    const worst = [
      'A'.repeat(4_096),
      `${'A'.repeat(2_047)}.${'A'.repeat(2_047)}`,
      '.'.repeat(4_096),
      `${'A.'.repeat(2_048)}`,
      `${'AAAA'.repeat(1_023)}A.A`,
    ];
    const start = process.cpuUsage();
    for (let i = 0; i < 200; i++) for (const raw of worst) reasonOf(() => codec.keyFor(raw, 'access'));
    // A pattern that backtracks needs minutes here.
    expect(process.cpuUsage(start).user / 1_000).toBeLessThan(5_000);
  });
});

describe('the payload gate', () => {
  const payload = (change = {}): Record<string, unknown> => ({
    sub: '42', sid: '0d9f9a0e-6c3f-4a3e-9a55-0f4a5d1f0c11', jti: 'x', iat: NOW / 1_000, exp: NOW / 1_000 + 300, gen: 0, token_key: 'A'.repeat(43), ...change,
  }); // prettier-ignore
  const codec = codecOf();
  const verdict = (change: object, options: JwtKnoxOptions = {}, now = NOW) =>
    reasonOf(() => codecOf(options).readAccess(payload(change), now));

  it('control: lets a complete payload through', () => expect(verdict({})).toBe('accepted'));

  it.each(['sub', 'sid', 'jti', 'iat', 'exp', 'gen', 'token_key'])('wants %s', (name) => {
    expect(verdict({ [name]: undefined })).toBe('claims');
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const isNumber = name === 'iat' || name === 'exp' || name === 'gen';
        fc.pre(isNumber ? !Number.isInteger(value) : typeof value !== 'string');
        expect(verdict({ [name]: value })).toBe('claims');
      }),
    );
  });

  it('answers any payload with claims or a refusal, never with another error', () => {
    const looksRight = fc
      .record(
        {
          sub: fc.anything(),
          sid: fc.anything(),
          exp: fc.anything(),
          iss: fc.anything(),
          aud: fc.anything(),
          nbf: fc.anything(),
        },
        { requiredKeys: [] },
      )
      .map(payload);
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(fc.string(), fc.anything()), looksRight), (one) => {
        reasonOf(() => codec.readAccess(one, NOW));
        reasonOf(() => codec.readRefresh(one, NOW));
      }),
      { numRuns: often(400, 2_000) },
    );
  });

  it('ends a token at its exp to the millisecond', () => {
    const exp = NOW / 1_000 + 300;
    expect([NOW + 299_999, NOW + 300_000].map((now) => verdict({ exp }, {}, now))).toEqual(['accepted', 'expired']);
    const clockTolerance = '5s';
    expect([NOW + 304_999, NOW + 305_000].map((now) => verdict({ exp }, { clockTolerance }, now))).toEqual([
      'accepted',
      'expired',
    ]);
  });

  it('heeds nbf, with the tolerance', () => {
    const nbf = NOW / 1_000 + 5;
    expect(verdict({ nbf })).toBe('claims');
    expect(verdict({ nbf }, { clockTolerance: 5 })).toBe('accepted');
    expect(verdict({ nbf: NOW / 1_000 })).toBe('accepted');
  });

  it('wants the configured issuer, and none where none is configured', () => {
    expect(verdict({ iss: 'a' }, { issuer: 'a' })).toBe('accepted');
    for (const iss of [undefined, 'b', 'A', ['a'], null]) expect(verdict({ iss }, { issuer: 'a' })).toBe('issuer');
    expect(verdict({ iss: 'a' })).toBe('issuer');
  });

  it('wants the realm of its module, and none where there is none, in both kinds of tokens', () => {
    const realms = [undefined, 'staff', 'customers', 'Staff'];
    for (const [index, signing] of realms.entries()) {
      const issued = codecOf({}, signing);
      const tokens = [issued.signAccess(content(), {}), issued.signRefresh(content(), TokenKey.generate())] as const;
      for (const token of tokens) expect(decode(token).payload.realm).toBe(signing);
      for (const [other, reading] of realms.entries()) {
        const reader = codecOf({}, reading);
        const expected = index === other ? 'accepted' : 'realm';
        expect(reasonOf(() => readAccess(reader, tokens[0]))).toBe(expected);
        expect(reasonOf(() => readRefresh(reader, tokens[1]))).toBe(expected);
      }
    }
    for (const realm of ['', null, ['staff'], {}, 0, true]) {
      expect(verdict({ realm })).toBe('realm');
      expect(reasonOf(() => codecOf({}, 'staff').readAccess(payload({ realm }), NOW))).toBe('realm');
    }
  });

  it('wants an audience of its own, and none where none is configured', () => {
    const options = { audience: ['a', 'b', 'c'], ownAudience: ['a', 'b'] };
    for (const aud of ['a', 'b', ['a'], ['z', 'b']]) expect(verdict({ aud }, options)).toBe('accepted');
    for (const aud of [undefined, 'z', [], ['z'], [['a']], null, { 0: 'a' }, 'a b'])
      expect(verdict({ aud }, options)).toBe('audience');
    for (const aud of ['a', [], null]) expect(verdict({ aud })).toBe('audience');
    // By default the first is its own.
    for (const aud of ['a', ['a'], ['b', 'a']]) expect(verdict({ aud }, { audience: ['a', 'b'] })).toBe('accepted');
    for (const aud of ['b', ['b'], undefined]) expect(verdict({ aud }, { audience: ['a', 'b'] })).toBe('audience');
  });

  it('S5: judges a token for another service only for who says which', () => {
    const two = codecOf({ audience: ['a', 'b'] });
    const told = decode(two.signAccess(content(), {}, ['b'])).payload;
    expect(told.aud).toBe('b');
    expect(reasonOf(() => two.readAccess(told, NOW))).toBe('audience');
    expect(reasonOf(() => two.readAccess(told, NOW, ['a', 'b']))).toBe('accepted');
  });

  it('S5: wants the issuer as audience of a refresh token', () => {
    const issued = codecOf({ issuer: 'https://a.example', audience: 'x' });
    const token = issued.signRefresh(content(), TokenKey.generate());
    expect(reasonOf(() => readRefresh(issued, token))).toBe('accepted');
    expect(reasonOf(() => readRefresh(codecOf({ issuer: 'https://b.example' }), token))).toBe('issuer');
    expect(reasonOf(() => readRefresh(codecOf(), token))).toBe('issuer');
    expect(reasonOf(() => readRefresh(issued, codecOf().signRefresh(content(), TokenKey.generate())))).toBe('issuer');
  });

  it('wants both keys of a refresh token', () => {
    expect(reasonOf(() => codec.readRefresh(payload({ session_key: 'A'.repeat(43) }), NOW))).toBe('accepted');
    for (const key of [undefined, null, '', 'A'.repeat(42), `${'A'.repeat(42)}B`, 5]) {
      expect(reasonOf(() => codec.readRefresh(payload({ session_key: key }), NOW))).toBe('claims');
    }
  });

  it('leaves nobody the means to change the custom claims later', () => {
    expect(Object.isFrozen(codec.readAccess(payload({ plan: 'gold' }), NOW).custom)).toBe(true);
  });
});

describe('ids', () => {
  it('of users are text that every database takes as it is', () => {
    for (const id of ['1', 'a', 'é', '💥', 'a'.repeat(255), ' ']) expect(isUserId(id)).toBe(true);
    for (const id of ['', 'a'.repeat(256), 'a\0', 'a\n', '\ud800', 'a\udfff', '\u009f', 1, null, undefined, ['1'], {}])
      expect(isUserId(id)).toBe(false);
  });

  it('of sessions are lowercase UUIDs', () => {
    fc.assert(fc.property(fc.uuid(), (id) => void expect(isSessionId(id)).toBe(true)));
    fc.assert(fc.property(fc.anything(), (id) => void expect(isSessionId(id)).toBe(false)));
    expect(isSessionId('0D9F9A0E-6C3F-4A3E-9A55-0F4A5D1F0C11')).toBe(false);
    expect(isSessionId('0d9f9a0e-6c3f-4a3e-9a55-0f4a5d1f0c11\n')).toBe(false);
  });
});

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
