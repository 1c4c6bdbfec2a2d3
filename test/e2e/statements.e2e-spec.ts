import { createHmac } from 'node:crypto';
import { sign } from 'jsonwebtoken';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { createApp, environments, SECRET, type TestApp } from '../support/create-app';
import { claimsOf, headerOf } from '../support/decode';

const HEADER = { alg: 'HS256', typ: 'at+jwt', kid: 'default' } as const;
const OTHER_SECRET = 'Zz8Jk2nQpR7sTuVwXyZ0123456789abcdefGHIJKLmno';

/** Signed byte by byte: what no JWT library would sign. */
function forge(header: unknown, payload: unknown): string {
  const parts = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${parts}.${createHmac('sha256', SECRET).update(parts).digest('base64url')}`;
}

interface Sample {
  access: string;
  refresh: string;
  claims: any;
}

const BAD_TOKENS: [title: string, make: (good: Sample) => string][] = [
  ['an empty token', () => ''],
  ['a word', () => 'token'],
  ['two words', ({ access }) => `${access} ${access}`],
  ['a token after a tab', ({ access }) => `\t${access}`],
  ['two parts', ({ access }) => access.split('.').slice(0, 2).join('.')],
  ['four parts', ({ access }) => `${access}.x`],
  ['an empty signature', ({ access }) => `${access.split('.').slice(0, 2).join('.')}.`],
  ['padding', ({ access }) => `${access}=`],
  ['more than 4 KiB', ({ claims }) => sign({ ...claims, filler: 'x'.repeat(4_096) }, SECRET, { header: HEADER })],
  ['a signature with a bit turned', ({ access }) => access.slice(0, -2) + (access.at(-2) === 'A' ? 'B' : 'A') + access.at(-1)],
  ['a payload of another token', ({ access, refresh }) => access.replace(/\..*\./, `.${refresh.split('.')[1]}.`)],
  ['another secret', ({ claims }) => sign(claims, OTHER_SECRET, { header: HEADER })],
  ['no algorithm', ({ claims }) => forge({ ...HEADER, alg: 'none' }, claims)],
  ['another algorithm', ({ claims }) => sign(claims, SECRET, { algorithm: 'HS512', header: { ...HEADER, alg: 'HS512' } })],
  ['an unknown kid', ({ claims }) => forge({ ...HEADER, kid: 'other' }, claims)],
  ['SQL for a kid', ({ claims }) => forge({ ...HEADER, kid: "' OR 1=1 --" }, claims)],
  ['a path for a kid', ({ claims }) => forge({ ...HEADER, kid: '../../dev/null' }, claims)],
  ['an object for a kid', ({ claims }) => forge({ ...HEADER, kid: { $ne: null } }, claims)],
  ['no kid', ({ claims }) => forge({ alg: 'HS256', typ: 'at+jwt' }, claims)],
  ['no type', ({ claims }) => forge({ alg: 'HS256', kid: 'default' }, claims)],
  ['a foreign type', ({ claims }) => forge({ ...HEADER, typ: 'JWT' }, claims)],
  ['a critical extension', ({ claims }) => forge({ ...HEADER, crit: ['exp'] }, claims)],
  ['a key in the header', ({ claims }) => forge({ ...HEADER, jwk: { kty: 'oct', k: 'AA' } }, claims)],
  ['an address in the header', ({ claims }) => forge({ ...HEADER, jku: 'http://127.0.0.1:9/' }, claims)],
  ['a header that is an array', ({ claims }) => forge([HEADER], claims)],
  ['a header that is null', ({ claims }) => forge(null, claims)],
  ['a payload that is null', () => forge(HEADER, null)],
  ['a payload that is an array', ({ claims }) => forge(HEADER, [claims])],
  ['a payload that is text', () => forge(HEADER, 'alice')],
  ['a refresh token', ({ refresh }) => refresh],
  ['a refresh token under the type of an access token', ({ refresh, claims }) => forge(HEADER, { ...claimsOf(refresh), jti: claims.jti, token_key: undefined })],
  ['no expiry', ({ claims }) => forge(HEADER, { ...claims, exp: undefined })],
  ['an expiry beyond all bounds', ({ claims }) => forge(HEADER, { ...claims, exp: 1e300 })],
  ['an expiry that is text', ({ claims }) => forge(HEADER, { ...claims, exp: String(claims.exp) })],
  ['an expiry that has passed', ({ claims }) => forge(HEADER, { ...claims, exp: claims.iat - 1 })],
  ['a time before which it does not count', ({ claims }) => forge(HEADER, { ...claims, nbf: claims.exp })],
  ['an issuer nobody configured', ({ claims }) => forge(HEADER, { ...claims, iss: 'elsewhere' })],
  ['an audience nobody configured', ({ claims }) => forge(HEADER, { ...claims, aud: 'elsewhere' })],
  ['no session', ({ claims }) => forge(HEADER, { ...claims, sid: undefined })],
  ['a session id that is SQL', ({ claims }) => forge(HEADER, { ...claims, sid: "' OR 1=1 --" })],
  ['a session id that is an object', ({ claims }) => forge(HEADER, { ...claims, sid: { $gt: '' } })],
  ['a user id with NUL', ({ claims }) => forge(HEADER, { ...claims, sub: '1\0' })],
  ['a user id that is a number', ({ claims }) => forge(HEADER, { ...claims, sub: 1 })],
  ['a generation that is a fraction', ({ claims }) => forge(HEADER, { ...claims, gen: 0.5 })],
  ['a token key cut short', ({ claims }) => forge(HEADER, { ...claims, token_key: claims.token_key.slice(1) })],
  ['a token key in an array', ({ claims }) => forge(HEADER, { ...claims, token_key: [claims.token_key] })],
]; // prettier-ignore

describe.each(environments)('the SQL statements of a request: $title', ({ platform, kind }) => {
  let t: TestApp;
  let good: Sample;

  beforeAll(async () => {
    t = await createApp(platform, kind);
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    const { access_token: access, refresh_token: refresh } = await t.login();
    good = { access, refresh, claims: claimsOf(access) };
    t.statements.length = 0;
  });

  const updates = () => t.statements.filter((sql) => sql.startsWith('UPDATE'));

  it.each(BAD_TOKENS)('%s costs none', async (_title, make) => {
    const answer = await t.http.get('/notes', { token: make(good) });
    expect([answer.status, t.statements]).toEqual([401, []]);
  });

  it('a token forged in the same way, but right, is accepted', async () => {
    const answer = await t.http.get('/notes', { token: forge(headerOf(good.access), good.claims) });
    expect([answer.status, t.statements.length]).toEqual([200, 2]);
  });

  it('no token, another scheme and two headers cost none', async () => {
    const none = await t.http.get('/notes');
    const basic = await t.http.get('/notes', { headers: { authorization: 'Basic YWxpY2U6eA==' } });
    const two = await t.http.get('/notes', { headers: { authorization: [`Bearer ${good.access}`, 'Bearer x'] } });
    expect([none.status, basic.status, two.status, t.statements]).toEqual([401, 401, 400, []]);
  });

  it('a good token costs two: the session and the user', async () => {
    expect((await t.http.get('/notes', { token: good.access })).status).toBe(200);
    expect(t.statements).toHaveLength(2);
    expect(t.statements.every((sql) => sql.startsWith('SELECT'))).toBe(true);
    expect(t.statements.filter((sql) => sql.includes('jwt_knox_sessions'))).toHaveLength(1);
  });

  it('the use of a session is noted once per touchInterval, and not before', async () => {
    t.clock.advance('59s');
    await t.http.get('/notes', { token: good.access });
    t.clock.advance('999ms');
    await t.http.get('/notes', { token: good.access });
    expect(t.statements).toHaveLength(4);
    t.clock.advance('1ms');
    await t.http.get('/notes', { token: good.access });
    const lastUse = async () =>
      (await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: good.claims.sid })).lastUsedAt;
    await expect.poll(lastUse).toBe(t.clock.now());
    await t.http.get('/notes', { token: good.access });
    expect(updates()).toHaveLength(1);
  });

  it('a burst of requests after touchInterval writes no more often than it has requests', async () => {
    t.clock.advance('60s');
    const burst = Array.from({ length: 8 }, () => t.http.get('/notes', { token: good.access }));
    expect((await Promise.all(burst)).map(({ status }) => status)).toEqual(burst.map(() => 200));
    await expect.poll(() => updates().length).toBeGreaterThan(0);
    expect(updates().length).toBeLessThanOrEqual(burst.length);
    expect(t.statements.filter((sql) => /^(INSERT|DELETE)/.test(sql))).toEqual([]);
  });
});

describe.each(environments)('the SQL statements of a request without a userProvider: $title', ({ platform, kind }) => {
  it('a good token costs one', async () => {
    const t = await createApp(platform, kind, { extras: { userProvider: undefined } });
    try {
      const { accessToken } = await t.tokens.issue({ id: 7 } as never);
      t.statements.length = 0;
      const answer = await t.http.get('/notes', { token: accessToken });
      expect([answer.status, answer.body.userId]).toEqual([200, '7']);
      expect(t.statements).toEqual([expect.stringMatching(/^SELECT .*jwt_knox_sessions/)]);
    } finally {
      await t.close();
    }
  });
});

describe.each(environments)('the look-ups of a request: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;
  let token: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      options: { storageTimeout: '1s' },
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    control.heal();
    token = (await t.login()).access_token;
    control.calls.length = 0;
  });

  it('session and user are looked up side by side', async () => {
    const started = { session: deferred(), user: deferred() };
    const both = Promise.all([started.session.promise, started.user.promise]);
    control.intercept = async (_method, proceed) => {
      started.session.resolve();
      await both;
      return proceed();
    };
    const real = t.users.findById.bind(t.users);
    t.users.findById = async (id) => {
      started.user.resolve();
      await both;
      return real(id);
    };
    const meeting = await t.http.get('/notes', { token });
    t.users.findById = real;
    expect(meeting.status).toBe(200);
  });

  it('control: a look-up that waits for one that never starts ends in 503', async () => {
    const never = deferred();
    control.intercept = async (_method, proceed) => never.promise.then(proceed);
    const answer = await t.http.get('/notes', { token });
    expect(answer.status).toBe(503);
  });

  it('a refused request writes nothing, however long ago the last use was noted', async () => {
    t.clock.advance('61s');
    const claims = claimsOf(token);
    const forged = forge(HEADER, { ...claims, token_key: Buffer.alloc(32, 7).toString('base64url') });
    const swapped = forge(HEADER, { ...claims, sub: '4711' });
    const unknown = forge(HEADER, { ...claims, sid: '00000000-0000-4000-8000-000000000000' });
    for (const bad of [forged, swapped, unknown]) expect((await t.http.get('/notes', { token: bad })).status).toBe(401);
    await t.users.rows.update({ username: 'alice' }, { isActive: false });
    expect((await t.http.get('/notes', { token })).status).toBe(401);
    expect(control.calls).toEqual(['findById', 'findById', 'findById', 'findById']);
    await t.users.rows.update({ username: 'alice' }, { isActive: true });
    expect((await t.http.get('/notes', { token })).status).toBe(200);
    expect(control.calls.slice(4)).toEqual(['findById', 'touch']);
  });
});
