import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import type { Answer, Options } from '../support/http-client';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const GUARDED = [
  ['GET', '/notes'],
  ['GET', '/auth/verify'],
  ['POST', '/auth/verify'],
  ['GET', '/auth/debug-verify'],
  ['POST', '/auth/logout'],
  ['POST', '/auth/logout-other'],
  ['POST', '/auth/logout-all'],
  ['GET', '/auth/sessions'],
  ['DELETE', `/auth/sessions/${UNKNOWN}`],
  ['PATCH', `/auth/sessions/${UNKNOWN}`],
] as const;

const BARE = 'Bearer realm="jwt-knox"';
const WITH_ERROR = `${BARE}, error="invalid_token"`;
const AMBIGUOUS = `${BARE}, error="invalid_request"`;

describe.each(everyEnvironment)('S7: a refusal: $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;
  let refresh: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, { extras: { routes: { debug: true } } });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    ({ access_token: token, refresh_token: refresh } = await t.login());
  });

  const expectRefusal = (answer: Answer, code: string, challenge: string) => {
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(challenge);
    expect(answer.body).toEqual({ statusCode: 401, error: 'Unauthorized', code, message: expect.any(String) });
  };

  it.each(GUARDED)('S7: %s %s without a token names no error', async (method, path) => {
    expectRefusal(await t.http.send(method, path), 'missing_token', BARE);
    const basic = await t.http.send(method, path, { headers: { authorization: 'Basic YWxpY2U6eA==' } });
    expectRefusal(basic, 'missing_token', BARE);
  });

  it.each(GUARDED)('S7: %s %s with a bad token says invalid_token, and nothing more', async (method, path) => {
    const parts = token.split('.');
    const unsigned = `${parts[0]}.${parts[1]}.${'A'.repeat(43)}`;
    for (const bad of ['', 'ECHO', 'ECHO.ECHO.ECHO', unsigned, refresh, `${token} ECHO`]) {
      const answer = await t.http.send(method, path, { token: bad });
      expectRefusal(answer, 'invalid_token', WITH_ERROR);
      expect(answer.body.message).toBe('The access token is not valid.');
      expect(JSON.stringify(answer)).not.toContain('ECHO');
    }
  });

  it.each(GUARDED)('S7: %s %s with an expired token says token_expired', async (method, path) => {
    t.clock.advance('5m');
    expectRefusal(await t.http.send(method, path, { token }), 'token_expired', WITH_ERROR);
  });

  it.each(GUARDED)('S7: %s %s with the token of an ended session says invalid_token', async (method, path) => {
    await t.http.post('/auth/logout', { token });
    expectRefusal(await t.http.send(method, path, { token }), 'invalid_token', WITH_ERROR);
  });

  it('S7: an ended session, a deleted user and a disabled user answer alike', async () => {
    const answers: Answer[] = [];
    const tokens: string[] = [];
    for (const name of ['gone', 'disabled', 'ended']) {
      await t.users.add(name);
      tokens.push((await t.login(name)).access_token);
    }
    await t.users.rows.delete({ username: 'gone' });
    await t.users.rows.update({ username: 'disabled' }, { isActive: false });
    await t.http.post('/auth/logout', { token: tokens[2]! });
    for (const one of tokens) answers.push(await t.http.get('/auth/verify', { token: one }));
    for (const answer of answers) delete answer.headers.date;
    const [first, ...others] = answers;
    expectRefusal(answers[0]!, 'invalid_token', WITH_ERROR);
    for (const other of others) expect(other).toEqual(first);
  });

  it('S7: a failed login challenges without an error, and echoes nothing', async () => {
    const answer = await t.http.post('/auth/login', { json: { username: 'ECHO', password: 'ECHO' } });
    expectRefusal(answer, 'invalid_credentials', BARE);
    expect(JSON.stringify(answer)).not.toContain('ECHO');
  });

  it('S7: a logout by refresh token tells a bad one from an expired one', async () => {
    const logout = (one: string) => t.http.post('/auth/logout', { json: { refresh_token: one } });
    expectRefusal(await logout('ECHO'), 'invalid_refresh_token', WITH_ERROR);
    expectRefusal(await logout(token), 'invalid_refresh_token', WITH_ERROR);
    t.clock.advance('1d');
    expectRefusal(await logout(refresh), 'refresh_token_expired', WITH_ERROR);
  });

  it('S7: a wrong body is 400 with a code, and echoes nothing', async () => {
    for (const json of [{}, { username: ['ECHO'], password: 'ECHO' }, { username: 'ECHO' }, ['ECHO'], { ECHO: 1 }]) {
      const answer = await t.http.post('/auth/login', { json });
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        statusCode: 400,
        error: 'Bad Request',
        code: 'invalid_request',
        message: expect.stringMatching(/username|password|object/),
      });
      expect(answer.text).not.toContain('ECHO');
    }
  });

  it('S7: token responses are never cached', async () => {
    const json = { username: 'alice', password: 'alice-password' };
    const answer = await t.http.post('/auth/login', { json });
    expect([answer.status, answer.headers['cache-control'], answer.headers.pragma]).toEqual([
      200,
      'no-store',
      'no-cache',
    ]);
  });

  it.each(GUARDED)('S7: two tokens in one %s %s are 400 with a challenge, and neither counts', async (method, path) => {
    t.statements.length = 0;
    const send = (options: Options) => t.http.send(method, path, options);
    const answers = [
      await send({ headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }),
      await send({ headers: { authorization: ['Basic YWxpY2U6eA==', `Bearer ${token}`] } }),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      expect(answer.headers['www-authenticate']).toBe(AMBIGUOUS);
      expect(JSON.stringify(answer)).not.toContain(token);
    }
    expect(t.statements).toEqual([]);
  });

  it('S7: a 400 or 415 that is about something else carries no challenge', async () => {
    const answers = [
      await t.http.post('/auth/login', { json: { username: ['x'] } }),
      await t.http.post('/auth/logout', { json: { refresh_token: 1 } }),
      await t.http.post('/auth/refresh', { body: '<a/>', headers: { 'content-type': 'text/xml' } }),
      await t.http.get('/auth/sessions?limit=0', { token }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 415, 400]);
    for (const answer of answers) expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it.each(GUARDED)(
    'S7: what the transport does not read does not count beside the token in %s %s',
    async (method, path) => {
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const { access_token: foreign } = await t.login();
      const send = async (options: Options, query = '') =>
        (await t.http.send(method, path + query, { token: (await t.login()).access_token, ...options })).status;
      const usual = await send({});
      expect([200, 204, 400, 404]).toContain(usual);
      expect(await send({}, `?access_token=${foreign}`)).toBe(usual);
      expect(await send({}, '?a=1&access_token=')).toBe(usual);
      if (method === 'POST' && path !== '/auth/logout')
        expect(await send({ body: `access_token=${foreign}`, headers: form })).toBe(usual);
    },
  );

  it('S7: a token in the query or in a form alone is none', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expectRefusal(await t.http.get(`/auth/verify?access_token=${token}`), 'missing_token', BARE);
    expectRefusal(
      await t.http.post('/auth/verify', { body: `access_token=${token}`, headers: form }),
      'missing_token',
      BARE,
    );
  });
});
