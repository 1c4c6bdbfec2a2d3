import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, TEXT_LIMITS } from '../../../lib/contracts/device';
import { sessionOf, type SessionRecord, sessionRecord } from '../../../lib/contracts/session';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  // Code units rather than code points: lone surrogates among them.
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.string({
    unit: fc.constantFrom('a', ' ', '\0', '\u202e', '\ud83d', '\udca5', '💥', 'é', '\u2066', '\t'),
    maxLength: 60,
  }),
);

describe("a device's description of itself", () => {
  it('is kept as it is when there is nothing wrong with it', () => {
    for (const text of [
      'Mozilla/5.0 (X11; Linux x86_64)',
      'Zoës Läptop',
      'компьютер',
      '私の電話',
      'حاسوب',
      '👩‍💻 work',
      'a  b',
    ]) {
      expect(cleanText(text, 128)).toBe(text);
    }
  });

  it.each([
    ['NUL', 'a\0b', 'ab'],
    ['line breaks and tabs', 'a\r\n\tb', 'ab'],
    ['escape sequences of terminals', '\u001b[31mred\u009b0m', '[31mred0m'],
    ['a change of direction', 'photo\u202egpj.exe', 'photogpj.exe'],
    ['isolates', '\u2066a\u2067b\u2068c\u2069', 'abc'],
    ['direction marks', 'a\u200eb\u200fc\u061c', 'abc'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'abc'],
    ['a lone high surrogate', 'a\ud83db', 'ab'],
    ['a lone low surrogate', 'a\udca5b', 'ab'],
    ['space around it', '  a b  ', 'a b'],
    ['space behind what was taken out', '\u202e a', 'a'],
  ])('loses %s', (_title, text, clean) => expect(cleanText(text, 128)).toBe(clean));

  it('is nothing when nothing is left, or when it is no text', () => {
    for (const text of ['', ' ', '\0', '\u202e\u202d', '\ud83d', null, undefined])
      expect(cleanText(text, 128)).toBeNull();
    for (const odd of [1, {}, ['a'], true]) expect(cleanText(odd as never, 128)).toBeNull();
  });

  it('is cut by code point, never through the middle of one', () => {
    expect(cleanText('💥'.repeat(10), 4)).toBe('💥'.repeat(4));
    expect(cleanText(`a${'💥'.repeat(10)}`, 4)).toBe(`a${'💥'.repeat(3)}`);
    expect(cleanText('x'.repeat(14_000), TEXT_LIMITS.userAgent)).toBe('x'.repeat(512));
  });

  it('fits its column, is well-formed and shows nothing hidden, whatever was sent', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, limit) => {
        const clean = cleanText(text, limit);
        if (clean === null) return;
        expect(clean).not.toBe('');
        expect(Array.from(clean).length).toBeLessThanOrEqual(limit);
        expect(clean).not.toMatch(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
        expect(Buffer.from(clean).toString()).toBe(clean);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads the same when it is cleaned again', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, limit) => {
        const clean = cleanText(text, limit);
        expect(cleanText(clean, limit)).toBe(clean);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a session as hosts see it', () => {
  const record = sessionRecord({
    id: 'id', userId: '1', accessDigest: 'secret-a', refreshDigest: 'secret-b', previousRefreshDigest: 'secret-c', refreshSalt: 'secret-d', generation: 1,
    previousAccessDigest: 'secret-f', accessSalt: 'secret-g', accessKeyAt: 1, accessKeyIndex: 2, rotationKeyDigest: 'secret-h', claims: { a: 'secret-i' },
    boundKey: 'secret-j', boundProofAt: 5,
    rotatedAt: 2, createdAt: 1, authenticatedAt: 1, expiresAt: 9, lastUsedAt: 3, userAgent: 'ua', ipAddress: '::1', deviceName: 'mine', slot: 4,
  }); // prettier-ignore

  it('S11: says everything of the login, and no digest or salt', () => {
    const session = sessionOf({ ...record, anythingElse: 'secret-e' } as SessionRecord);
    expect(session).toEqual({
      id: 'id', userId: '1', generation: 1, rotatedAt: 2, createdAt: 1, authenticatedAt: 1, expiresAt: 9, lastUsedAt: 3, userAgent: 'ua', ipAddress: '::1',
      deviceName: 'mine', realm: '', kind: 'login', idleTimeout: null, maxExpiresAt: null, lastUserAgent: null, lastIpAddress: null, scopes: null,
      audience: null, acr: null, amr: null, actorId: null, actorRealm: null, actorSessionId: null, boundKind: null, boundKeyThumbprint: null, boundAt: null,
      boundRefusedAt: null,
    }); // prettier-ignore
    expect(JSON.stringify(session)).not.toContain('secret');
    expect(Object.isFrozen(session)).toBe(true);
  });
});
