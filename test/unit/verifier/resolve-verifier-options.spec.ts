import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inMemory } from '../../../lib/testing';
import type { JwtKnoxVerifierExtras, JwtKnoxVerifierOptions, JwtKnoxVerifierSettings } from '../../../lib/verifier';
import { resolveVerifierOptions } from '../../../lib/verifier/resolve-verifier-options';
import type { VerifierMode } from '../../support/verified-services';

const SECRET = 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1';
const CLIENT = { id: 'orders', secret: SECRET };
const ENOUGH: Record<VerifierMode, any> = {
  jwks: { issuer: 'https://auth.example.com/tenant', audience: 'orders', jwks: {} },
  introspect: { introspection: { uri: 'https://auth.example.com/auth/introspect', client: CLIENT } },
  'shared-database': {},
};
const storage = inMemory();

/** The options of a way to verify, but for a change: members of a section are changed one by one. */
function optionsOf(mode: VerifierMode, { jwks, introspection, ...change }: any): JwtKnoxVerifierOptions {
  const enough = ENOUGH[mode];
  return {
    ...enough,
    ...change,
    ...(jwks && { jwks: { ...enough.jwks, ...jwks } }),
    ...(introspection && { introspection: { ...enough.introspection, ...introspection } }),
  };
}

const resolve = (mode: VerifierMode, change: object = {}, extras: Partial<JwtKnoxVerifierExtras> = {}) =>
  resolveVerifierOptions(optionsOf(mode, change), { ...(mode === 'shared-database' && { storage }), ...extras });

function problemsOf(mode: VerifierMode, change: object, extras: Partial<JwtKnoxVerifierExtras> = {}): string[] {
  try {
    resolve(mode, change, extras);
  } catch (error) {
    expect(String(error)).toContain('JwtKnoxVerifierModule is misconfigured');
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    return [...(error as { problems: string[] }).problems];
  }
  return [];
}

describe('the options of a verifier', () => {
  it('have defaults', () => {
    expect(resolve('jwks')).toMatchObject({
      clockTolerance: 0,
      storageTimeout: 2_000,
      introspection: null,
      remoteKeys: {
        uri: 'https://auth.example.com/.well-known/jwks.json',
        maxAge: 300_000,
        cooldown: 10_000,
        timeout: 2_000,
      },
    });
    expect(resolve('introspect')).toMatchObject({
      remoteKeys: null,
      introspection: { cacheTtl: 0, cacheSize: 10_000, timeout: 2_000 },
    });
    expect(resolve('shared-database')).toMatchObject({
      remoteKeys: null,
      introspection: null,
      session: { bindUserAgent: 'off' },
    });
  });

  it.each<[VerifierMode, object, RegExp]>([
    ['jwks', { issuer: undefined, jwks: { uri: 'https://auth.example.com/jwks.json' } }, /^issuer: missing/],
    ['jwks', { audience: undefined }, /^audience: missing/],
    ['jwks', { issuer: 'auth' }, /^jwks.uri: missing/],
    ['jwks', { jwks: { uri: 'http://auth.example.com/jwks.json' } }, /^jwks.uri: must be https.* jwks.allowHttp: true/],
    ['jwks', { jwks: { uri: 'http://localhost.example.com/jwks.json' } }, /^jwks.uri: must be https/],
    ['jwks', { jwks: { uri: 'ftp://localhost/jwks.json', allowHttp: true } }, /^jwks.uri: must be https/],
    ['jwks', { jwks: { uri: `https://me:${SECRET}@auth.example.com/` } }, /^jwks.uri: must have no user/],
    ['jwks', { jwks: { maxAge: 0 } }, /^jwks.maxAge: not a duration/],
    ['jwks', { jwks: { cooldown: 'soon' } }, /^jwks.cooldown: not a duration/],
    ['jwks', { jwks: { timeout: '61s' } }, /^jwks.timeout: more than '1m'; shorten it/],
    ['jwks', { jwks: { client: CLIENT } }, /^jwks.client: no such option; known are jwks.uri/],
    ['jwks', { secret: SECRET }, /^secret: no effect without storage; set storage \(typeOrm\(\)/],
    ['introspect', { introspection: { uri: undefined } }, /^introspection.uri: missing/],
    ['introspect', { introspection: { uri: 'auth/introspect' } }, /^introspection.uri: not a URL/],
    ['introspect', { introspection: { client: undefined } }, /^introspection.client: must be/],
    ['introspect', { introspection: { client: { id: 'orders', secret: '' } } }, /^introspection.client: must be/],
    ['introspect', { introspection: { client: { ...CLIENT, secretHash: '' } } }, /^introspection.client: must be/],
    ['introspect', { introspection: { cacheTtl: -1 } }, /^introspection.cacheTtl: not a duration/],
    ['introspect', { introspection: { cacheSize: 0 } }, /^introspection.cacheSize: must be/],
    [
      'introspect',
      { introspection: { cacheSize: 10 } },
      /^introspection.cacheSize: has no effect without cacheTtl; .*leave cacheSize out/,
    ],
    ['introspect', { introspection: { allowHttp: 'yes' } }, /^introspection.allowHttp: must be/],
    ['introspect', { bindUserAgent: 'reject' }, /^bindUserAgent: no effect without storage/],
    ['shared-database', { cacheTtl: '1s' }, /^cacheTtl: no such option; write introspection.cacheTtl instead/],
    ['shared-database', { bindUserAgent: 'on' }, /^bindUserAgent: must be/],
    ['shared-database', { transport: {} }, /^transport: must be/],
    ['shared-database', { clock: Date }, /^clock: must be/],
  ])('of mode %s refuse %j', (mode, change, problem) => {
    expect(problemsOf(mode, change)).toEqual([expect.stringMatching(problem)]);
  });

  const shorten = (name: string, limit: string) => new RegExp(`^${name}: more than '${limit}'; shorten it`);
  it.each<[VerifierMode, string, unknown, string]>([
    ['jwks', 'clockTolerance', 30_000, '5m'],
    ['introspect', 'clockTolerance', '301s', '5m'],
    ['shared-database', 'clockTolerance', '1d', '5m'],
    ['jwks', 'storageTimeout', 2_000, '1m'],
    ['jwks', 'jwks.maxAge', '61m', '1h'],
    ['jwks', 'jwks.cooldown', 10_000, '5m'],
    ['introspect', 'introspection.timeout', 2_000, '1m'],
    ['introspect', 'introspection.cacheTtl', '1d', '60s'],
    ['introspect', 'introspection.cacheTtl', 61, '60s'],
  ])('S6: of mode %s refuse a %s of %j', (mode, name, value, limit) => {
    const [section, member] = name.split('.') as [string, string?];
    const change = member === undefined ? { [section]: value } : { [section]: { [member]: value } };
    expect(problemsOf(mode, change)).toEqual([expect.stringMatching(shorten(name, limit))]);
  });

  it('S6: take durations up to their limits', () => {
    const common = { clockTolerance: '5m', storageTimeout: '1m' };
    expect(resolve('jwks', { ...common, jwks: { maxAge: '1h', cooldown: '5m', timeout: '1m' } })).toMatchObject({
      clockTolerance: 300_000,
      storageTimeout: 60_000,
      remoteKeys: { maxAge: 3_600_000, cooldown: 300_000, timeout: 60_000 },
    });
    expect(resolve('introspect', { ...common, introspection: { cacheTtl: 60 } }).introspection!.cacheTtl).toBe(60_000);
  });

  it.each(['http://localhost:3000/x', 'http://127.0.0.1/x', 'http://[::1]:80/x', 'https://10.0.0.1/x'])(
    'let %s pass',
    (uri) => {
      expect(problemsOf('jwks', { jwks: { uri } })).toEqual([]);
    },
  );

  it('let http pass where the host says so', () => {
    expect(problemsOf('jwks', { jwks: { uri: 'http://auth.internal/x', allowHttp: true } })).toEqual([]);
  });

  it('tell of all mistakes at once, those of the extras too', () => {
    const extras = { guard: 'none' as any };
    const change = { issuer: undefined, timeot: 1, sessionUser: 'user' };
    expect(problemsOf('jwks', change, extras).map((one) => one.split(':')[0])).toEqual([
      'timeot',
      'sessionUser',
      'guard',
      'issuer',
      'jwks.uri',
    ]);
    expect(problemsOf('jwks', { mode: 'jwks' })).toEqual([
      'mode: no such option; write jwks: {}, introspection: { uri, client } or storage: typeOrm() instead.',
    ]);
  });

  it('must say one way to verify, and no more than one', () => {
    const refuse = (options: object, extras: JwtKnoxVerifierExtras, problem: RegExp) =>
      expect(() => resolveVerifierOptions(options as JwtKnoxVerifierOptions, extras)).toThrow(problem);
    refuse({}, {}, /jwks, introspection, storage: none is set; set jwks to check signatures/);
    refuse({ keys: [] }, {}, /keys: no effect without storage; set storage/);
    refuse({ ...ENOUGH.jwks, ...ENOUGH.introspect }, {}, /jwks, introspection: set only one of these/);
    refuse(ENOUGH.introspect, { storage }, /introspection, storage: set only one of these/);
    refuse({}, { storage: Map as any }, /storage: must be { imports\?, inject\?, useFactory }/);
  });

  it('are one of three kinds to the compiler', () => {
    const jwks = { issuer: 'a', audience: 'b', jwks: {} };
    const introspection = { uri: 'https://auth.example.com/introspect', client: CLIENT };
    const right: JwtKnoxVerifierSettings[] = [jwks, { introspection }, { secret: SECRET, storage }];
    // @ts-expect-error two ways at once
    right.push({ ...jwks, introspection });
    // @ts-expect-error no way without a storage
    right.push({ secret: SECRET });
    // @ts-expect-error a storage that nothing reads
    right.push({ ...jwks, storage });
    // @ts-expect-error keys that nobody uses
    right.push({ introspection, secret: SECRET });
    // @ts-expect-error jwks accepts only tokens of a known issuer
    right.push({ audience: 'b', jwks: {} });
    expect(right).toHaveLength(8);
  });

  it("S11: hide the client's secret from whoever logs them", () => {
    const resolved = resolve('introspect');
    const { authorization } = resolved.introspection!.client;
    expect(Buffer.from(authorization.slice(6), 'base64').toString()).toBe(`orders:${SECRET}`);
    for (const shown of [inspect(resolved, { depth: 9, showHidden: true }), JSON.stringify(resolved)]) {
      expect(shown).not.toContain(SECRET);
      expect(shown).not.toContain(authorization.slice(6));
    }
  });

  it('form-encode id and secret, as RFC 6749 section 2.3.1 has it', () => {
    const client = { id: 'orders', secret: 'a b:c%d+é' };
    const { authorization } = resolve('introspect', { introspection: { client } }).introspection!.client;
    expect(Buffer.from(authorization.slice(6), 'base64').toString()).toBe('orders:a+b%3Ac%25d%2B%C3%A9');
  });
});
