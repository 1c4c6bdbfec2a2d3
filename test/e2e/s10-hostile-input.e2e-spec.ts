import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { Answer } from '../support/http-client';

const MARK = 'ECHOECHO';
const JSON_TYPE = { 'content-type': 'application/json' };
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** What no member that wants text takes. */
const NOT_TEXT: [string, string][] = [
  ['null', 'null'],
  ['a number', '1e308'],
  ['true', 'true'],
  ['an array', `["${MARK}"]`],
  ['an empty array', '[]'],
  ['an object', `{"${MARK}":"${MARK}"}`],
  ['an object that would be a query', '{"$ne":null}'],
  ['an object with toString', '{"toString":"x","valueOf":"y","length":3}'],
  ['an object whose length cannot be compared', '{"length":{"toString":1,"valueOf":1}}'],
  ['100,000 nested arrays', nested(100_000)],
];

/** Text that no database or hash can be trusted with. */
const BAD_TEXT: [string, string][] = [
  ['empty text', '""'],
  ['NUL', `"${MARK}\\u0000"`],
  ['a lone high surrogate', `"${MARK}\\ud800"`],
  ['a lone low surrogate', `"\\udc00${MARK}"`],
  ['2,000 characters', `"${MARK.repeat(250)}"`],
  ['200 KB', `"${'x'.repeat(200_000)}"`],
];

const BAD_BODIES: [string, string][] = [
  ['an array', `["${MARK}"]`],
  ['an array of logins', '[{"username":"alice","password":"alice-password"}]'],
  ['nothing but __proto__', `{"__proto__":{"username":"alice","password":"alice-password"}}`],
  ['nothing but constructor', `{"constructor":{"prototype":{"username":"alice","password":"alice-password"}}}`],
  ['__proto__ beside wrong members', `{"__proto__":{"isAdmin":true},"username":["${MARK}"],"password":1}`],
  ['no members', '{}'],
  ['a 200 KB member nobody knows', `{"${MARK}":"${'x'.repeat(200_000)}"}`],
  ['100,000 nested arrays', nested(100_000)],
  ['10,000 members', `{${Array.from({ length: 10_000 }, (_, i) => `"m${i}":${i}`).join()}}`],
];

const NOT_JSON: [string, string][] = [
  ['half an object', `{"username":"${MARK}`],
  ['a word', MARK],
  ['two objects', '{}{}'],
  ['a byte order mark in the middle', '{"a":\uFEFF\uFEFF1'],
  ['a single quote', `{'username':'${MARK}'}`],
];

const WRONG_TYPES = [
  'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'application/jsonx', 'json',
  'application/octet-stream', `${MARK}/${MARK}`,
]; // prettier-ignore

describe.each(environments)('S10: hostile input: $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;
  let refresh: string;
  let rows: number;

  beforeAll(async () => {
    // Large enough that deep and large bodies reach the library.
    const prepare = (app: INestApplication) => {
      if (platform.name === 'express') (app as NestExpressApplication).useBodyParser('json', { limit: '1mb' });
    };
    t = await createApp(platform, kind, { prepare });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    ({ access_token: token, refresh_token: refresh } = await t.login());
    rows = await t.source.getRepository(JwtKnoxSession).count();
  });

  /** A refusal with a clear message that echoes nothing; nothing written; and the next user is served. */
  const expectRefusal = async (answer: Answer, ...statuses: number[]) => {
    expect(statuses.length > 0 ? statuses : [answer.status]).toContain(answer.status);
    expect(Math.floor(answer.status / 100)).toBe(4);
    expect(answer.body).toMatchObject({ statusCode: answer.status, message: expect.stringMatching(/\S{3}/) });
    expect(JSON.stringify([answer.text, answer.headers])).not.toContain(MARK);
    expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(rows);
    expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
  };
  const post = (path: string, body: string, headers: Record<string, string> = JSON_TYPE) =>
    t.http.post(path, { body, headers });

  describe('POST login', () => {
    it.each([...NOT_TEXT, ...BAD_TEXT])('S10: refuses %s for a username', async (_title, value) => {
      await expectRefusal(await post('/auth/login', `{"username":${value},"password":"alice-password"}`), 400, 413);
    });

    it.each([...NOT_TEXT, ...BAD_TEXT])('S10: refuses %s for a password', async (_title, value) => {
      await expectRefusal(await post('/auth/login', `{"username":"alice","password":${value}}`), 400, 413);
    });

    it.each(NOT_TEXT.filter(([title]) => title !== 'null'))(
      'S10: refuses %s for a device name',
      async (_title, value) => {
        const body = `{"username":"alice","password":"alice-password","device_name":${value}}`;
        await expectRefusal(await post('/auth/login', body), 400);
      },
    );

    it.each(BAD_BODIES)('S10: refuses %s for a body', async (_title, body) => {
      await expectRefusal(await post('/auth/login', body), 400, 413);
    });

    it.each(['null', '"x"', '1', 'true'])('S10: refuses %s for a body', async (body) => {
      await expectRefusal(await post('/auth/login', body), 400);
    });

    it('S10: refuses no body at all', async () => {
      await expectRefusal(await t.http.post('/auth/login'), 400);
      await expectRefusal(await t.http.post('/auth/login', { headers: JSON_TYPE, body: '' }), 400);
    });

    it.each(WRONG_TYPES)('S10: answers 415 to a body of type %s', async (type) => {
      const body = '{"username":"alice","password":"alice-password"}';
      await expectRefusal(await post('/auth/login', body, { 'content-type': type }), 415);
    });

    it('S10: answers 415 to a body without a type', async () => {
      await expectRefusal(await post('/auth/login', '{"username":"alice","password":"alice-password"}', {}), 415);
    });

    it('S10: takes members nobody knows, however deep, for nothing', async () => {
      const body = `{"username":"alice","password":"wrong","${MARK}":${nested(100_000)},"b":{"a":[{}]}}`;
      await expectRefusal(await post('/auth/login', body), 401);
    });

    it('S10: takes no member from a prototype', async () => {
      const body = '{"password":"alice-password","__proto__":{"username":"alice"}}';
      await expectRefusal(await post('/auth/login', body), 400);
      expect(({} as { username?: string }).username).toBeUndefined();
    });

    it('S10: takes the members from the body, not from the query', async () => {
      await expectRefusal(await t.http.post('/auth/login?username=alice&password=alice-password'), 400);
    });
  });

  describe.each(['/auth/logout', '/auth/refresh'])('POST %s', (path) => {
    it.each(NOT_TEXT.filter(([title]) => title !== 'null'))(
      'S10: refuses %s for a refresh token',
      async (_title, value) => {
        await expectRefusal(await post(path, `{"refresh_token":${value}}`), 400);
      },
    );

    it.each([...BAD_TEXT, ['null', 'null']])('S10: refuses %s for a refresh token', async (_title, value) => {
      await expectRefusal(await post(path, `{"refresh_token":${value}}`), 400, 401);
    });

    it.each(BAD_BODIES)('S10: refuses %s for a body', async (_title, body) => {
      await expectRefusal(await post(path, body), 400, 401, 413);
    });

    it.each(WRONG_TYPES)('S10: answers 415 to a body of type %s', async (type) => {
      await expectRefusal(await post(path, JSON.stringify({ refresh_token: refresh }), { 'content-type': type }), 415);
    });
  });

  describe('bodies that are not JSON', () => {
    it.each(NOT_JSON)('S10: are refused: %s', async (_title, body) => {
      for (const path of ['/auth/login', '/auth/logout', '/auth/refresh']) {
        const answer = await post(path, body);
        expect(answer.status).toBe(400);
        expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(rows);
      }
    });

    it('S10: are refused before they are read when they are too large', async () => {
      for (const path of ['/auth/login', '/auth/logout', '/auth/refresh']) {
        await expectRefusal(await post(path, ' '.repeat(2_000_000)), 413);
      }
    });
  });

  describe('a hostile token', () => {
    const ROUTES: [string, string][] = [
      ['GET', '/auth/verify'],
      ['POST', '/auth/verify'],
      ['POST', '/auth/logout'],
      ['POST', '/auth/logout-other'],
      ['POST', '/auth/logout-all'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions/x'],
      ['GET', '/notes'],
    ];
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

    it.each(ROUTES)('S10: is refused by %s %s', async (method, path) => {
      const deep = Buffer.from(nested(1_000)).toString('base64url');
      const tokens = [
        'x'.repeat(14_000),
        `${MARK}.${MARK}.${MARK}`,
        `${'a'.repeat(13_000)}.e30.e30`,
        `${encode({ alg: 'HS256', typ: 'at+jwt', kid: '__proto__' })}.e30.AAAA`,
        `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'constructor' })}.e30.AAAA`,
        `${deep}.${deep}.AAAA`,
        '..',
        '\u00ff\u00fe',
        "' OR '1'='1",
      ];
      for (const hostile of tokens) await expectRefusal(await t.http.send(method, path, { token: hostile }), 401);
    });
  });

  describe('GET sessions', () => {
    it.each([
      'limit=%00', `limit=${MARK}`, 'limit=1&limit=2', 'limit=99999999999999999999', 'limit=%F0%9F%98%80', 'before=%00', `before=${MARK}`,
      'before=1&before=2', 'before=9999999999-01-01', "before='%20OR%201=1--", 'before_id=%ED%A0%80&before=2026-01-01T00:00:00Z',
      `before_id=${MARK}`, 'before_id=x&before_id=y', `limit=${'1'.repeat(10_000)}`,
    ])('S10: refuses ?%.40s', async (query) => {
      await expectRefusal(await t.http.get(`/auth/sessions?${query}`, { token }), 400);
    }); // prettier-ignore

    it('S10: takes no notice of members nobody knows', async () => {
      const answer = await t.http.get('/auth/sessions?__proto__[limit]=0&constructor=1&__proto__=2&a[b][c]=1', {
        token,
      });
      expect(answer.status).toBe(200);
    });
  });

  describe('DELETE sessions/:id', () => {
    it.each([
      '%00', '__proto__', '%27%20OR%201%3D1--', 'constructor', '%F0%9F%98%80', '%2e%2e%2fadmin', MARK, 'x'.repeat(90),
      '00000000-0000-4000-8000-00000000000g', '00000000-0000-4000-8000-000000000000%00', '%5B%5D', '%7B%22%24ne%22%3Anull%7D',
    ])('S10: knows no session %s', async (id) => {
      await expectRefusal(await t.http.delete(`/auth/sessions/${id}`, { token }), 404);
    }); // prettier-ignore

    it.each(['%ED%A0%80', '%', '%zz', `${'x'.repeat(10_000)}`])('S10: refuses the id %.20s', async (id) => {
      const answer = await t.http.delete(`/auth/sessions/${id}`, { token });
      expect([400, 404, 414]).toContain(answer.status);
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(rows);
    });
  });

  describe('what a client says of itself', () => {
    const json = { username: 'alice', password: 'alice-password' };
    const sessionOf = async (answer: Answer) => {
      expect(answer.status).toBe(200);
      return t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: answer.body.session_id });
    };

    it('S10: is cut to what the row holds: a user-agent of 14 KB', async () => {
      const answer = await t.http.post('/auth/login', { json, headers: { 'user-agent': 'x'.repeat(14_000) } });
      expect((await sessionOf(answer)).userAgent).toBe('x'.repeat(512));
    });

    it('S10: is cleaned of control and bidi characters, and cut by whole characters', async () => {
      const device = `\u0000a\u202eb\ud800c\u2066${'😀'.repeat(200)}\u0007`;
      const answer = await t.http.post('/auth/login', { json: { ...json, device_name: device } });
      expect((await sessionOf(answer)).deviceName).toBe(`abc${'😀'.repeat(125)}`);
      const blank = await t.http.post('/auth/login', { json: { ...json, device_name: '\u200e \u2028\n' } });
      expect((await sessionOf(blank)).deviceName).toBeNull();
    });

    it('S10: is kept as it was sent otherwise', async () => {
      const headers = { 'user-agent': "Robert'); DROP TABLE users;--" };
      const answer = await t.http.post('/auth/login', { json: { ...json, device_name: 'Zoë’s 📱' }, headers });
      expect(await sessionOf(answer)).toMatchObject({ userAgent: headers['user-agent'], deviceName: 'Zoë’s 📱' });
    });

    it('S10: takes a header of the client for no address', async () => {
      const headers = { 'x-forwarded-for': '1.2.3.4', 'x-real-ip': '1.2.3.4', forwarded: 'for=1.2.3.4' };
      const answer = await t.http.post('/auth/login', { json, headers });
      expect((await sessionOf(answer)).ipAddress).toContain('127.0.0.1');
    });
  });

  describe("a host's getId that gives no id", () => {
    it.each(['', 'undefined', 'null', 'x'.repeat(256), 'a\u0000b', '\ud800'])(
      'S10: %j throws, and writes nothing',
      async (id) => {
        const user = await t.users.rows.findOneByOrFail({ username: 'alice' });
        const { getId } = t.users;
        t.users.getId = () => id;
        try {
          const answer = await t.http.post('/auth/login', { json: { username: 'alice', password: 'alice-password' } });
          expect(answer.status).toBe(500);
          await expect(t.tokens.issue(user)).rejects.toThrow("The user's id cannot be used");
        } finally {
          t.users.getId = getId;
        }
        expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(rows);
      },
    );
  });
});
