import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JwtKnoxConfigurationError } from '../../../lib/contracts/errors';
import { SystemClock } from '../../../lib/contracts/clock';
import { UserProvider } from '../../../lib/contracts/user-provider';
import { BearerTransport } from '../../../lib/guard/bearer.transport';
import type { JwtKnoxExtras, JwtKnoxOptions } from '../../../lib/options/options';
import { resolveOptions } from '../../../lib/options/resolve-options';
import { InMemorySessionRepository } from '../../../lib/testing';
import { often } from '../../support/lengths';

const resolve = (options: object = {}, extras: object = {}) =>
  resolveOptions(options as JwtKnoxOptions, extras as JwtKnoxExtras);

function problemsOf(options: object, extras: object = {}, keyProblems: string[] = []): readonly string[] {
  try {
    resolveOptions(options as JwtKnoxOptions, extras as JwtKnoxExtras, keyProblems);
    return [];
  } catch (error) {
    if (error instanceof JwtKnoxConfigurationError) return error.problems;
    throw error;
  }
}

abstract class Users extends UserProvider {}
class LoginGuard extends Map {}

describe('the options', () => {
  it('have the defaults that are documented', () => {
    expect(resolve()).toEqual({
      realm: '',
      issuer: undefined,
      audience: [],
      ownAudience: [],
      clockTolerance: 0,
      accessTtl: 300_000,
      refresh: { rotate: true, reuseInterval: 10_000, retryWindow: 300_000 },
      session: {
        idleTimeout: 86_400_000,
        idleGrace: 60_000,
        maxLifetime: 30 * 86_400_000,
        maxProgramLifetime: 365 * 86_400_000,
        limitPerUser: null,
        onLimit: 'reject',
        bindUserAgent: 'off',
        touchInterval: 60_000,
        shortIdleTimeout: 1_800_000,
        ipAddress: 'full',
      },
      accessKeyPeriod: 360_000,
      claims: undefined,
      sessionColumns: undefined,
      scopes: undefined,
      programs: { prefix: '', limitPerUser: 50, scopes: [] },
      isActorActive: undefined,
      tokenResponse: undefined,
      transport: undefined,
      publicOrigins: [],
      storageTimeout: 2_000,
      adminTimeout: 30_000,
      clock: expect.any(SystemClock),
      clockMargin: 10_000,
      routes: {
        prefix: 'auth', revocations: false, session: true, tokens: false, admin: false, oauth: false, metadata: false, jwks: false, debug: false, usernameField: 'username',
        freshness: null, hasLoginGuards: false,
      }, // prettier-ignore
    });
  });

  it('bear clocks that differ by five seconds, a reuse interval or a storage timeout, whichever is longest', () => {
    const marginOf = (storageTimeout: string, reuseInterval: string) =>
      resolve({ storageTimeout, refreshToken: { reuseInterval } }).clockMargin;
    expect([marginOf('2s', '1s'), marginOf('2s', '20s'), marginOf('30s', '20s')]).toEqual([5_000, 20_000, 30_000]);
    expect(resolve({ refreshToken: false }).clockMargin).toBe(5_000);
  });

  it('make the access token as long as the session in single-token mode', () => {
    expect(resolve({ refreshToken: false })).toMatchObject({ accessTtl: 36_000_000, refresh: null });
    expect(resolve({ refreshToken: false, session: { maxLifetime: '3d' } })).toMatchObject({
      accessTtl: 3 * 86_400_000,
      refresh: null,
    });
  });

  it('let a session be idle for a day, or for all its life where that is shorter', () => {
    const idle = (options: object) => resolve(options).session.idleTimeout;
    expect(idle({ session: { maxLifetime: '12h' } })).toBe(12 * 3_600_000);
    expect(idle({ refreshToken: false })).toBe(10 * 3_600_000);
    expect(idle({ refreshToken: false, session: { maxLifetime: '3d' } })).toBe(86_400_000);
  });

  it('are kept as they are given', () => {
    const clock = new SystemClock();
    const transport = new BearerTransport();
    const claims = () => ({});
    const sessionColumns = () => ({});
    const scopes = () => null;
    const isActorActive = () => true;
    const given = {
      issuer: 'https://a.example', audience: ['a', 'b'], ownAudience: 'b', clockTolerance: 5, accessToken: { ttl: 60 }, refreshToken: { rotate: true, reuseInterval: 0, retryWindow: '1d' },
      session: { idleTimeout: '1h', maxLifetime: '1d', maxProgramLifetime: null, limitPerUser: 3, onLimit: 'evict-oldest', bindUserAgent: 'warn', touchInterval: 0, shortIdleTimeout: '10m', ipAddress: 'prefix' }, claims, transport, clock,
      scopes, isActorActive, programTokens: { prefix: 'acme_', limitPerUser: 3, scopes: ['a:b'] },
      storageTimeout: '500ms', adminTimeout: 60, sessionColumns, publicOrigin: 'https://a.example',
    }; // prettier-ignore
    expect(resolve(given, { realm: 'customers' })).toEqual({
      realm: 'customers',
      issuer: 'https://a.example', audience: ['a', 'b'], ownAudience: ['b'], clockTolerance: 5_000, accessTtl: 60_000, refresh: { rotate: true, reuseInterval: 0, retryWindow: 86_400_000 },
      session: { idleTimeout: 3_600_000, idleGrace: 0, maxLifetime: 86_400_000, maxProgramLifetime: Infinity, limitPerUser: 3, onLimit: 'evict-oldest', bindUserAgent: 'warn', touchInterval: 0, shortIdleTimeout: 600_000, ipAddress: 'prefix' }, claims, transport, clock,
      scopes, isActorActive, programs: { prefix: 'acme_', limitPerUser: 3, scopes: ['a:b'] },
      accessKeyPeriod: 120_000, storageTimeout: 500, adminTimeout: 60_000, clockMargin: 5_000, sessionColumns, publicOrigins: ['https://a.example'],
      routes: expect.objectContaining({ prefix: 'auth' }), tokenResponse: undefined,
    }); // prettier-ignore
    const [path, port, none] = ['https://a.example/api', 'https://A.example:443', 'a.example'];
    expect(problemsOf({ publicOrigin: [path, port, none] })).toEqual([
      `publicOrigin: "${path}" is no origin; write it such as 'https://a.example', without a path.`,
      `publicOrigin: "${port}" is no origin; write it such as 'https://a.example', without a path.`,
      `publicOrigin: "${none}" is no origin; write it such as 'https://app.example.com', without a path.`,
    ]);
    const tokenResponse = () => ({});
    expect(resolve({ tokenResponse })).toMatchObject({ tokenResponse, transport: undefined });
  });

  it.each([undefined, '', 'customers', 'Back.office_2-b', 'x'.repeat(64)])('take the realm %j', (realm) => {
    expect(resolve({}, { realm }).realm).toBe(realm ?? '');
  });

  it.each([null, 1, {}, ['a'], 'two words', 'a/b', 'a\0b', 'ä', 'a;b', 'x'.repeat(65)])(
    'refuse the realm %j, which could not be part of a name',
    (realm) => {
      expect(problemsOf({}, { realm })).toEqual([
        expect.stringMatching(/^realm: must be 1 to 64 letters, .*leave it out/),
      ]);
    },
  );

  it('refuse metadata of what is not mounted', () => {
    expect(problemsOf({}, { routes: { metadata: true } })).toEqual([
      expect.stringMatching(/^routes.metadata: has no effect without routes.oauth/),
    ]);
  });

  it('S6: allow durations up to their limits', () => {
    const session = { maxLifetime: '3650d', touchInterval: '1h' };
    const longest = { clockTolerance: '5m', storageTimeout: '1m', adminTimeout: 3_600, session };
    expect(resolve(longest)).toMatchObject({
      clockTolerance: 300_000,
      storageTimeout: 60_000,
      adminTimeout: 3_600_000,
      session: { maxLifetime: 315_360_000_000, touchInterval: 3_600_000 },
    });
  });

  it.each([
    { accessToken: { ttl: '36500d' } },
    { refreshToken: { ttl: '36500d' } },
    { refreshToken: { reuseInterval: '36500d' } },
    { refreshToken: false, session: { ttl: '36500d' } },
    { session: { maxLifetime: '36500d' } },
    { session: { touchInterval: '36500d' } },
    { clockTolerance: '36500d' },
    { storageTimeout: '36500d' },
    { adminTimeout: '36500d' },
  ])('S6: have a limit to each duration: %j', (options) => expect(problemsOf(options)).not.toEqual([]));

  it('take one audience for a list of one', () => {
    expect(resolve({ audience: 'a' }).audience).toEqual(['a']);
    expect(resolve({ audience: ['a', 'b'], ownAudience: 'b' }).ownAudience).toEqual(['b']);
  });

  it('take the first audience for the own one', () => {
    expect(resolve({ audience: ['b', 'a'] }).ownAudience).toEqual(['b']);
    expect(resolve({ audience: ['b', 'a'], ownAudience: ['a', 'b'] }).ownAudience).toEqual(['a', 'b']);
  });

  it('cannot be changed once they are resolved', () => {
    const audience = ['a'];
    const options = resolve({ audience });
    audience.push('b');
    expect(options.audience).toEqual(['a']);
    for (const part of [
      options,
      options.session,
      options.refresh!,
      options.audience,
      options.ownAudience,
      options.routes,
    ])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('allow exactly the lifetimes that agree with each other', () => {
    const seconds = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(seconds, seconds, seconds, fc.nat({ max: 90 }), (access, idle, longest, reuse) => {
        const problems = problemsOf({
          accessToken: { ttl: access },
          refreshToken: { reuseInterval: reuse },
          session: { idleTimeout: idle, maxLifetime: longest },
        });
        const broken = [reuse > 60, reuse >= access, access > idle, idle > longest].filter(Boolean).length;
        expect(problems).toHaveLength(broken);
      }),
      { numRuns: often(100, 500) },
    );
  });

  it('allow a retry window of zero to a day that is longer than the reuse interval', () => {
    const problemsWith = (retryWindow: number, reuseInterval: number) =>
      problemsOf({ accessToken: { ttl: 100 }, refreshToken: { retryWindow, reuseInterval } });
    for (const [window, interval] of [[0, 0], [0, 60], [1, 0], [61, 60], [86_400, 10]] as const)
      expect([window, interval, problemsWith(window, interval)]).toEqual([window, interval, []]);
    for (const [window, interval] of [[1, 1], [10, 10], [59, 60]] as const)
      expect(problemsWith(window, interval)).toEqual([
        'refreshToken.retryWindow: not longer than refreshToken.reuseInterval, which forgives all that it would; set it to 0 or lengthen it.',
      ]);
    expect(problemsWith(86_401, 10)).toEqual([
      "refreshToken.retryWindow: more than '1d'; a thief could use it too. Shorten it.",
    ]);
    expect(problemsOf({ refreshToken: { retryWindow: '5' } })).toEqual([
      "refreshToken.retryWindow: not a duration of zero or more; set seconds or a string such as '5m'.",
    ]);
  }); // prettier-ignore

  it('make up no contradiction among lifetimes that cannot be read', () => {
    expect(problemsOf({ accessToken: { ttl: 'soon' }, session: { idleTimeout: '1m' } })).toEqual([
      expect.stringContaining('accessToken.ttl: not a duration'),
    ]);
  });
});

describe('a mistake in the options', () => {
  it.each<[string, object, RegExp]>([
    ['an empty issuer', { issuer: '' }, /^issuer: .*leave it out/],
    ['an issuer that is no text', { issuer: 5 }, /^issuer: /],
    ['an empty audience', { audience: '' }, /^audience: .*leave it out/],
    ['an empty list of audiences', { audience: [] }, /^audience: /],
    ['an own audience without any', { ownAudience: 'a' }, /^ownAudience: not among audience.*add it there/],
    ['an own audience that is none', { audience: ['a', 'b'], ownAudience: ['a', 'c'] }, /^ownAudience: .*add it there/],
    ['an empty own audience', { audience: 'a', ownAudience: [] }, /^ownAudience: .*leave it out/],
    ['an audience that is no text', { audience: ['a', 5] }, /^audience: /],
    ['a limit of none', { session: { limitPerUser: 0 } }, /^session.limitPerUser: .*from 1 to 1000/],
    ['a limit that is a fraction', { session: { limitPerUser: 1.5 } }, /^session.limitPerUser: /],
    ['a limit that is text', { session: { limitPerUser: '5' } }, /^session.limitPerUser: /],
    ['a limit beyond 1000', { session: { limitPerUser: 1_001 } }, /^session.limitPerUser: /],
    [
      'an unknown answer to the limit',
      { session: { onLimit: 'evict' } },
      /^session.onLimit: must be one of "reject", "evict-oldest"/,
    ],
    [
      'an unknown binding',
      { session: { bindUserAgent: true } },
      /^session.bindUserAgent: must be one of "off", "warn", "reject"/,
    ],
    ['a rotation that is text', { refreshToken: { rotate: 'no' } }, /^refreshToken.rotate: must be one of true, false/],
    ['a hook that is no function', { claims: {} }, /^claims: must be a function/],
    ['a response hook that is no function', { tokenResponse: 'x' }, /^tokenResponse: must be a function/],
    [
      'a response hook that a transport leaves no body to',
      { tokenResponse: () => ({}), transport: new BearerTransport() },
      /^tokenResponse: has no effect beside transport, .*return it there/,
    ],
    ['a clock that is a function', { clock: Date.now }, /^clock: must be an instance of a class that extends Clock/],
    [
      'a transport that is a class',
      { transport: BearerTransport },
      /^transport: must be an instance of a class that extends TokenTransport/,
    ],
    ['S6, a storage timeout of 61 s', { storageTimeout: '61s' }, /^storageTimeout: more than '1m'; shorten it\.$/],
    ['S6, an admin timeout of 30 days', { adminTimeout: '30d' }, /^adminTimeout: more than '1h'; shorten it\.$/],
    [
      'S6, a clock tolerance that is meant in milliseconds',
      { clockTolerance: 30_000 },
      /^clockTolerance: more than '5m'; shorten it \(a number means seconds\)\.$/,
    ],
    [
      'S6, a clock tolerance beyond five minutes',
      { clockTolerance: '301s' },
      /^clockTolerance: more than '5m'; shorten/,
    ],
    [
      'S6, a lifetime that is meant in milliseconds',
      { session: { maxLifetime: 2_592_000_000 } },
      /^session.maxLifetime: more than '3650d'; shorten it \(a number means seconds\)\.$/,
    ],
    [
      'S6, a last use that is noted once a day',
      { session: { touchInterval: '1d' } },
      /^session.touchInterval: more than '1h'; shorten it/,
    ],
    ['refresh tokens merely switched on', { refreshToken: true }, /^refreshToken: must be an object/],
  ])('is told: %s', (_title, options, problem) =>
    expect(problemsOf(options)).toEqual([expect.stringMatching(problem)]),
  );

  it.each<[string, object, RegExp]>([
    ['a prefix that is no path', { routes: { prefix: 'au th?' } }, /^routes.prefix: .*'auth'/],
    ['a reader that reads nothing', { contextReader: LoginGuard }, /^contextReader: must be a class that extends/],
    [
      'guards of no route',
      { routes: { guards: { logn: [] } } },
      /^routes\.guards\.logn: no such route; known are login,/,
    ],
    ['guards that are none', { routes: { guards: { refresh: ['x'] } } }, /^routes\.guards\.refresh: must be a list/],
    ['guards in no list', { routes: { guards: [LoginGuard] } }, /^routes\.guards\.0: no such route/],
    [
      'guards of a login without users',
      { routes: { guards: { login: [LoginGuard] } } },
      /^routes\.guards\.login: has no/,
    ],
    [
      'guards of routes that are off',
      { routes: { guards: { revoke: [LoginGuard] } } },
      /^routes\.guards\.revoke: has no/,
    ],
    ['login guards without users', { loginGuards: [LoginGuard] }, /^loginGuards: need a userProvider/],
    [
      'login guards without a login',
      { userProvider: Users, loginGuards: [LoginGuard], routes: false },
      /^loginGuards: have no effect without routes.session; .*leave loginGuards out/,
    ],
    ['admin routes without users', { routes: { admin: true } }, /^routes.admin: needs a userProvider/],
    ['a class as the storage', { storage: InMemorySessionRepository }, /^storage: must be .*typeOrm\(\).*inMemory\(\)/],
    [
      'an instance as the storage',
      { storage: new InMemorySessionRepository() },
      /^storage: .*useFactory: \(\) => repository/,
    ],
    ['an unknown guard', { guard: 'everywhere' }, /^guard: must be 'manual' or 'global'/],
  ])('is told of the extras: %s', (_title, extras, problem) =>
    expect(problemsOf({}, extras)).toEqual([expect.stringMatching(problem)]),
  );

  it.each([
    ['dataSource', 'sessions', /^dataSource: no such option; write storage: typeOrm\({ dataSource }\)/],
    ['sessionEntity', Map, /^sessionEntity: no such option; write storage: typeOrm\({ entity }\)/],
    ['sessionUser', 'user', /^sessionUser: no such option; write storage: typeOrm\({ entity, userRelation }\)/],
    [
      'preparedStatements',
      true,
      /^preparedStatements: no such option; write storage: typeOrm\({ preparedStatements }\)/,
    ],
    ['sessionRepository', Map, /^sessionRepository: no such option; write storage: .*useFactory: \(repository\) =>/],
  ])('is told of %s, which storage replaces', (name, value, problem) =>
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(problem)]),
  );

  it('is not seen in extras that are right', () => {
    const right = {
      userProvider: Users,
      routes: { prefix: 'api/v1/auth', admin: true },
      loginGuards: [LoginGuard],
      guard: 'global',
      isGlobal: false,
    };
    expect(problemsOf({}, right)).toEqual([]);
    expect(problemsOf({}, { routes: false })).toEqual([]);
  });

  it('is told in one message with all others, the keys first', () => {
    const problems = problemsOf({ issuer: '', nonsense: 1, storageTimeout: 0 }, { guard: 'x' }, ['secret: missing.']);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'secret',
      'nonsense',
      'issuer',
      'storageTimeout',
      'guard',
    ]);
    const error = new JwtKnoxConfigurationError(problems);
    expect(error.message.split('\n')[0]).toBe('JwtKnoxModule is misconfigured (5 problems):');
    for (const problem of problems) expect(error.message).toContain(`\n  - ${problem}`);
    expect(new JwtKnoxConfigurationError(['one']).message).toBe('JwtKnoxModule is misconfigured (1 problem):\n  - one');
  });

  it('is told and never thrown raw, whatever the options are', () => {
    const names = [
      'issuer',
      'audience',
      'clockTolerance',
      'accessToken',
      'refreshToken',
      'session',
      'claims',
      'transport',
      'storageTimeout',
      'clock',
    ];
    const section = fc.dictionary(
      fc.constantFrom(
        'ttl',
        'rotate',
        'reuseInterval',
        'idleTimeout',
        'maxLifetime',
        'constructor',
        'limitPerUser',
        'onLimit',
        'other',
      ),
      fc.anything(),
    );
    const options = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.anything(), section));
    fc.assert(
      fc.property(options, (one) => void problemsOf(one)),
      { numRuns: often(200, 1_000) },
    );
    fc.assert(
      fc.property(fc.anything(), (one) => void problemsOf(one as object)),
      { numRuns: often(100, 300) },
    );
  });

  it('S11: does not repeat the value that is wrong', () => {
    const value = 'Kq7xPz2mWv9tRb4nYc6hJd8sLf3gXa5';
    const options = { issuer: [value], audience: [[value]], clockTolerance: value, accessToken: { ttl: value }, refreshToken: { rotate: value }, session: { limitPerUser: value, onLimit: value }, clock: value, claims: value }; // prettier-ignore
    const problems = problemsOf(options, { guard: value, routes: { prefix: `${value}?` } });
    expect(problems).toHaveLength(11);
    expect(problems.join('\n')).not.toContain(value);
  });
});
