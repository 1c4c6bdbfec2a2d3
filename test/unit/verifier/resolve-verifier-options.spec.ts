import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { JwtKnoxVerifierExtras, JwtKnoxVerifierOptions, VerifierMode } from '../../../lib';
import { resolveVerifierOptions } from '../../../lib/verifier/resolve-verifier-options';

const SECRET = 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1';
const ENOUGH: Record<VerifierMode, JwtKnoxVerifierOptions> = {
  jwks: { issuer: 'https://auth.example.com/tenant', audience: 'orders' },
  introspect: {
    introspectionUri: 'https://auth.example.com/auth/introspect',
    client: { id: 'orders', secret: SECRET },
  },
  'shared-database': {},
};

const resolve = (mode: VerifierMode, change: object = {}, extras: Partial<JwtKnoxVerifierExtras> = {}) =>
  resolveVerifierOptions({ ...ENOUGH[mode], ...change }, { mode, ...extras });

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
      preparedStatements: false,
      session: { bindUserAgent: 'off' },
    });
  });

  it.each<[VerifierMode, object, RegExp]>([
    ['jwks', { issuer: undefined, jwksUri: 'https://auth.example.com/jwks.json' }, /^issuer: missing/],
    ['jwks', { audience: undefined }, /^audience: missing/],
    ['jwks', { issuer: 'auth' }, /^jwksUri: missing/],
    ['jwks', { jwksUri: 'http://auth.example.com/jwks.json' }, /^jwksUri: must be https/],
    ['jwks', { jwksUri: 'http://localhost.example.com/jwks.json' }, /^jwksUri: must be https/],
    ['jwks', { jwksUri: 'ftp://localhost/jwks.json', allowHttp: true }, /^jwksUri: must be https/],
    ['jwks', { jwksUri: `https://me:${SECRET}@auth.example.com/` }, /^jwksUri: must have no user/],
    ['jwks', { keysMaxAge: 0 }, /^keysMaxAge: not a duration/],
    ['jwks', { keysCooldown: 'soon' }, /^keysCooldown: not a duration/],
    ['jwks', { timeout: '61s' }, /^timeout: more than '1m'; shorten it/],
    ['jwks', { secret: SECRET }, /^secret: no such option; known are issuer, .*jwksUri/],
    ['jwks', { client: ENOUGH.introspect.client }, /^client: no such option/],
    ['introspect', { introspectionUri: undefined }, /^introspectionUri: missing/],
    ['introspect', { introspectionUri: 'auth/introspect' }, /^introspectionUri: not a URL/],
    ['introspect', { client: undefined }, /^client: must be/],
    ['introspect', { client: { id: 'orders', secret: '' } }, /^client: must be/],
    ['introspect', { client: { id: 'orders', secret: SECRET, secretHash: '' } }, /^client: must be/],
    ['introspect', { cacheTtl: -1 }, /^cacheTtl: not a duration/],
    ['introspect', { cacheSize: 0 }, /^cacheSize: must be/],
    ['introspect', { cacheSize: 10 }, /^cacheSize: has no effect without cacheTtl; .*leave cacheSize out/],
    ['introspect', { allowHttp: 'yes' }, /^allowHttp: must be/],
    ['introspect', { bindUserAgent: 'reject' }, /^bindUserAgent: no such option/],
    ['shared-database', { cacheTtl: '1s' }, /^cacheTtl: no such option/],
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
    ['jwks', 'keysMaxAge', '61m', '1h'],
    ['jwks', 'keysCooldown', 10_000, '5m'],
    ['introspect', 'timeout', 2_000, '1m'],
    ['introspect', 'cacheTtl', '1d', '60s'],
    ['introspect', 'cacheTtl', 61, '60s'],
  ])('S6: of mode %s refuse a %s of %j', (mode, name, value, limit) => {
    expect(problemsOf(mode, { [name]: value })).toEqual([expect.stringMatching(shorten(name, limit))]);
  });

  it('S6: take durations up to their limits', () => {
    const common = { clockTolerance: '5m', storageTimeout: '1m' };
    expect(resolve('jwks', { ...common, keysMaxAge: '1h', keysCooldown: '5m', timeout: '1m' })).toMatchObject({
      clockTolerance: 300_000,
      storageTimeout: 60_000,
      remoteKeys: { maxAge: 3_600_000, cooldown: 300_000, timeout: 60_000 },
    });
    expect(resolve('introspect', { ...common, cacheTtl: 60 }).introspection!.cacheTtl).toBe(60_000);
  });

  it.each(['http://localhost:3000/x', 'http://127.0.0.1/x', 'http://[::1]:80/x', 'https://10.0.0.1/x'])(
    'let %s pass',
    (uri) => {
      expect(problemsOf('jwks', { jwksUri: uri })).toEqual([]);
    },
  );

  it('let http pass where the host says so', () => {
    expect(problemsOf('jwks', { jwksUri: 'http://auth.internal/x', allowHttp: true })).toEqual([]);
  });

  it('tell of all mistakes at once, those of the extras too', () => {
    const extras = { sessionUser: 'user', guard: 'none' as any };
    expect(problemsOf('jwks', { issuer: undefined, timeot: 1 }, extras).map((one) => one.split(':')[0])).toEqual([
      'guard',
      'sessionUser',
      'sessionUser',
      'timeot',
      'issuer',
      'jwksUri',
    ]);
    expect(problemsOf('jwks', {}, { mode: 'jwk' as any })).toEqual([
      "mode: must be one of 'jwks', 'introspect', 'shared-database'.",
    ]);
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
    const { authorization } = resolve('introspect', { client }).introspection!.client;
    expect(Buffer.from(authorization.slice(6), 'base64').toString()).toBe('orders:a+b%3Ac%25d%2B%C3%A9');
  });
});
