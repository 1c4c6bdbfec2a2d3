import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtKnoxSession } from '../../lib/typeorm';
import { environments, type TestApp } from '../support/create-app';
import type { Answer } from '../support/http-client';
import { useApp } from '../support/use-app';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

describe.each(environments)("a user's sessions: $title", ({ platform, kind }) => {
  let t: TestApp;
  let name = '';
  useApp({ platform, kind }, (app, { username }) => ([t, name] = [app, username]));

  const idsOf = (answer: Answer): string[] => answer.body.map((session: { id: string }) => session.id);
  const logins = async (number: number) => {
    const all = [];
    for (let i = 0; i < number; i++) all.push(await t.login(name));
    return all;
  };

  /** As RFC 8288 section 3.1 and RFC 3986 section 5 have it. */
  const linkedFrom = (url: string, link: unknown): string | undefined => {
    const [, reference] = /^<([^>]+)>; rel="next"$/.exec(String(link)) ?? [];
    return reference && new URL(reference, url).href;
  };

  /** Follows the Link header to the end. */
  const pages = async (path: string, token: string): Promise<string[][]> => {
    const found: string[][] = [];
    for (let next: string | undefined = path; next !== undefined && found.length < 50;) {
      const answer: Answer = await t.http.get(next, { token });
      expect(answer.status).toBe(200);
      found.push(idsOf(answer));
      next = linkedFrom(`http://here${next}`, answer.headers.link)?.replace('http://here', '');
    }
    return found;
  };

  describe('behind a gateway that strips a part of the path', () => {
    const gateway = createServer((request, response) => {
      const { method, headers } = request;
      if (!request.url!.startsWith('/backend/')) return void response.writeHead(404).end();
      const path = request.url!.slice('/backend'.length);
      const { port } = t.app.getHttpServer().address() as AddressInfo;
      const pass = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      request.pipe(pass);
    });
    beforeAll(() => new Promise<void>((resolve) => void gateway.listen(0, '127.0.0.1', resolve)));
    afterAll(() => new Promise((resolve) => void gateway.close(resolve)));

    it('the link of a page leads to the next one', async () => {
      const [{ access_token: token }] = await logins(3);
      const { port } = gateway.address() as AddressInfo;
      const found: string[] = [];
      let next: string | undefined = `http://127.0.0.1:${port}/backend/auth/sessions?limit=1`;
      while (next !== undefined) {
        const answer: Response = await fetch(next, { headers: { authorization: `Bearer ${token}` } });
        expect([next, answer.status]).toEqual([next, 200]);
        found.push(...((await answer.json()) as { id: string }[]).map(({ id }) => id));
        next = linkedFrom(next, answer.headers.get('link'));
      }
      expect(new Set(found).size).toBe(3);
    });
  });

  describe('GET sessions', () => {
    it('shows who logged in where and when, and never a digest or a token', async () => {
      const json = { username: name, password: `${name}-password`, device_name: 'Work laptop' };
      const { body } = await t.http.post('/auth/login', { json, headers: { 'user-agent': 'curl/8' } });
      const at = (ms: number) => new Date(t.clock.now() + ms).toISOString();
      const answer = await t.http.get('/auth/sessions', { token: body.access_token });
      expect(answer.body).toEqual([
        {
          id: body.session_id,
          kind: 'login',
          device_name: 'Work laptop',
          user_agent: 'curl/8',
          ip_address: expect.stringContaining('127.0.0.1'),
          last_user_agent: null,
          last_ip_address: null,
          created_at: at(0),
          authenticated_at: at(0),
          last_used_at: at(0),
          expires_at: at(86_400_000),
          scopes: null,
          actor: null,
          bound: null,
          copy_refused_at: null,
          current: true,
        },
      ]);
    });

    it('shows the newest first and says which one is current', async () => {
      const all = [];
      for (let i = 0; i < 3; i++) {
        all.push(await t.login(name));
        t.clock.advance('1s');
      }
      const answer = await t.http.get('/auth/sessions', { token: all[1].access_token });
      expect(idsOf(answer)).toEqual([all[2], all[1], all[0]].map((one) => one.session_id));
      expect(answer.body.map((one: { current: boolean }) => one.current)).toEqual([false, true, false]);
      expect(answer.headers.link).toBeUndefined();
    });

    it('shows nothing of other users', async () => {
      await t.users.add(`${name}-other`);
      await t.login(`${name}-other`);
      const { access_token: token, session_id: id } = await t.login(name);
      expect(idsOf(await t.http.get('/auth/sessions', { token }))).toEqual([id]);
    });

    it('leaves out what has expired', async () => {
      await t.login(name);
      t.clock.advance('23h');
      const [recent, newest] = [await t.login(name), await t.login(name)];
      t.clock.advance('1h');
      const { access_token: token, session_id: id } = await t.login(name);
      const found = idsOf(await t.http.get('/auth/sessions', { token }));
      expect(found.toSorted()).toEqual([id, recent.session_id, newest.session_id].toSorted());
      const { id: userId } = await t.users.rows.findOneByOrFail({ username: name });
      expect(await t.source.getRepository(JwtKnoxSession).countBy({ userId: String(userId) })).toBe(4);
    });

    it('pages to the end, though all sessions are of one millisecond', async () => {
      const all = (await logins(11)).map((one) => one.session_id);
      const token = (await t.login(name)).access_token;
      const found = await pages('/auth/sessions?limit=4', token);
      expect(found.map((page) => page.length)).toEqual([4, 4, 4]);
      expect(new Set(found.flat()).size).toBe(12);
      expect(found.flat()).toEqual(expect.arrayContaining(all));
      expect(found.flat()).toEqual(idsOf(await t.http.get('/auth/sessions', { token })));
    });

    it('pages to the end across milliseconds, one by one', async () => {
      for (let i = 0; i < 3; i++) {
        await logins(2);
        t.clock.advance('1ms');
      }
      const token = (await t.login(name)).access_token;
      const found = await pages('/auth/sessions?limit=1', token);
      expect(found.map((page) => page.length)).toEqual(Array.from({ length: 7 }, () => 1));
      expect(found.flat()).toEqual(idsOf(await t.http.get('/auth/sessions', { token })));
    });

    it('names the next page only when there is one', async () => {
      const token = (await logins(3))[0].access_token;
      expect((await t.http.get('/auth/sessions?limit=3', { token })).headers.link).toBeUndefined();
      expect((await t.http.get('/auth/sessions?limit=2', { token })).headers.link).toMatch(
        /^<\?limit=2&before=[^>]+>; rel="next"$/,
      );
    });

    it('shows those created before a moment', async () => {
      const first = await t.login(name);
      t.clock.advance('1s');
      const moment = new Date(t.clock.now()).toISOString();
      const second = await t.login(name);
      const token = second.access_token;
      expect(idsOf(await t.http.get(`/auth/sessions?before=${moment}`, { token }))).toEqual([first.session_id]);
      const offset = encodeURIComponent(moment.replace('Z', '+00:00'));
      expect(idsOf(await t.http.get(`/auth/sessions?before=${offset}`, { token }))).toEqual([first.session_id]);
    });

    it.each([
      'limit=0', 'limit=101', 'limit=-1', 'limit=1e1', 'limit=ten', 'limit=', 'limit=1.5', 'limit=1&limit=2', 'limit[]=1',
      'limit[a]=1', 'before=yesterday', 'before=2026-13-01', 'before=', 'before=1764000000000', 'before[]=2026-01-01',
      'before=2026-01-01T00:00:00Z&before_id=x', "before_id=%27%20OR%201=1",
    ])('answers 400 to ?%s', async (query) => {
      const token = (await t.login(name)).access_token;
      const answer = await t.http.get(`/auth/sessions?${query}`, { token });
      // How a query with brackets is parsed is the adapter's: a plain parser sees an unknown member.
      if (query.includes('[')) expect([200, 400]).toContain(answer.status);
      else expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    }); // prettier-ignore
  });

  describe('DELETE sessions/:id', () => {
    it("ends another session of the user's own, at once", async () => {
      const [mine, other] = await logins(2);
      const answer = await t.http.delete(`/auth/sessions/${other.session_id}`, { token: mine.access_token });
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect([await t.statusOf(mine.access_token), await t.statusOf(other.access_token)]).toEqual([204, 401]);
    });

    it('ends the current session', async () => {
      const { access_token: token, session_id: id } = await t.login(name);
      expect((await t.http.delete(`/auth/sessions/${id}`, { token })).status).toBe(204);
      expect(await t.statusOf(token)).toBe(401);
    });

    it("answers alike for an unknown, a malformed, an ended and somebody else's id, which lives on", async () => {
      await t.users.add(`${name}-other`);
      const other = await t.login(`${name}-other`);
      const [mine, ended] = await logins(2);
      await t.http.post('/auth/logout', { token: ended.access_token });
      const ids = [
        UNKNOWN,
        other.session_id,
        ended.session_id,
        'x',
        mine.session_id.toUpperCase(),
        "'%20OR%201=1--",
        '%00',
      ];
      for (const id of ids) {
        const answer = await t.http.delete(`/auth/sessions/${id}`, { token: mine.access_token });
        expect([answer.status, answer.body]).toEqual([
          404,
          { statusCode: 404, error: 'Not Found', message: 'There is no such session.' },
        ]);
      }
      expect([await t.statusOf(mine.access_token), await t.statusOf(other.access_token)]).toEqual([204, 204]);
    });
  });

  describe('PATCH sessions/:id', () => {
    const rename = (id: string, token: string, json: unknown) => t.http.patch(`/auth/sessions/${id}`, { token, json });
    const nameOf = async (id: string) =>
      (await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id })).deviceName;

    it("names a device of the user's own, cleaned and cut as at login", async () => {
      const [mine, other] = await logins(2);
      const answer = await rename(other.session_id, mine.access_token, { device_name: '  Work\u0000\u202e laptop  ' });
      expect([answer.status, answer.text, await nameOf(other.session_id)]).toEqual([204, '', 'Work laptop']);
      await rename(mine.session_id, mine.access_token, { device_name: '📱'.repeat(5_000) });
      expect(await nameOf(mine.session_id)).toBe('📱'.repeat(128));
      await rename(mine.session_id, mine.access_token, { device_name: 'Phone', user_id: '999', expires_at: 0 });
      const json = { username: name, password: `${name}-password`, device_name: 'Phone' };
      expect(await nameOf((await t.http.post('/auth/login', { json })).body.session_id)).toBe(
        await nameOf(mine.session_id),
      );
      expect([await t.statusOf(mine.access_token), await t.statusOf(other.access_token)]).toEqual([204, 204]);
    });

    it.each([null, '', ' \t'])('%j takes the name away', async (device_name) => {
      const { access_token: token, session_id: id } = await t.login(name);
      await rename(id, token, { device_name: 'Phone' });
      expect([(await rename(id, token, { device_name })).status, await nameOf(id)]).toEqual([204, null]);
    });

    it.each([{}, { device_name: 7 }, { device_name: ['Phone'] }, { device_name: {} }, []])(
      '%j is 400, and the name stays',
      async (json) => {
        const { access_token: token, session_id: id } = await t.login(name);
        await rename(id, token, { device_name: 'Phone' });
        const answer = await rename(id, token, json);
        expect([answer.status, answer.body.code, await nameOf(id)]).toEqual([400, 'invalid_request', 'Phone']);
      },
    );

    it("answers alike for an unknown, a malformed, an ended and somebody else's id, which keeps its name", async () => {
      await t.users.add(`${name}-other`);
      const other = await t.login(`${name}-other`);
      const [mine, ended] = await logins(2);
      await t.http.post('/auth/logout', { token: ended.access_token });
      for (const id of [UNKNOWN, other.session_id, ended.session_id, 'x', mine.session_id.toUpperCase(), '%00']) {
        const answer = await rename(id, mine.access_token, { device_name: 'Stolen' });
        expect([answer.status, answer.body]).toEqual([
          404,
          { statusCode: 404, error: 'Not Found', message: 'There is no such session.' },
        ]);
      }
      expect([await nameOf(other.session_id), await nameOf(mine.session_id)]).toEqual([null, null]);
    });

    it('takes no form', async () => {
      const { access_token: token, session_id: id } = await t.login(name);
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await t.http.patch(`/auth/sessions/${id}`, { token, body: 'device_name=Phone', headers });
      expect([answer.status, await nameOf(id)]).toEqual([415, null]);
    });
  });

  describe('POST logout-other and logout-all', () => {
    it("end the user's own sessions, and nobody else's", async () => {
      await t.users.add(`${name}-other`);
      const other = await t.login(`${name}-other`);
      const [mine, ...rest] = await logins(3);
      const body = async (path: string) => (await t.http.post(path, { token: mine.access_token })).body;
      expect(await body('/auth/logout-other')).toEqual({ revoked: 2 });
      expect(await body('/auth/logout-other')).toEqual({ revoked: 0 });
      expect(await Promise.all([mine, ...rest].map((one) => t.statusOf(one.access_token)))).toEqual([204, 401, 401]);
      expect(await body('/auth/logout-all')).toEqual({ revoked: 1 });
      expect([await t.statusOf(mine.access_token), await t.statusOf(other.access_token)]).toEqual([401, 204]);
    });
  });

  describe('POST logout with a refresh token', () => {
    const logout = (token?: string, refresh?: unknown) =>
      t.http.post('/auth/logout', { token, ...(refresh !== undefined && { json: { refresh_token: refresh } }) });
    const sessionsLeft = async () => {
      const { id } = await t.users.rows.findOneByOrFail({ username: name });
      return t.source.getRepository(JwtKnoxSession).countBy({ userId: String(id) });
    };

    it('ends the session when the access token has expired', async () => {
      const { access_token: access, refresh_token: refresh } = await t.login(name);
      t.clock.advance('5m');
      expect((await logout(access, refresh)).status).toBe(204);
      expect(await sessionsLeft()).toBe(0);
    });

    it('ends the session without any access token', async () => {
      const { access_token: access, refresh_token: refresh } = await t.login(name);
      expect((await logout(undefined, refresh)).status).toBe(204);
      expect([await sessionsLeft(), await t.statusOf(access)]).toEqual([0, 401]);
    });

    it("goes by the access token while that is good, whoever's the refresh token is", async () => {
      const [mine, other] = await logins(2);
      expect((await logout(mine.access_token, other.refresh_token)).status).toBe(204);
      expect([await t.statusOf(mine.access_token), await t.statusOf(other.access_token)]).toEqual([401, 204]);
    });

    it('does not help a bad access token', async () => {
      const { access_token: access, refresh_token: refresh } = await t.login(name);
      expect((await logout(`${access.slice(0, -3)}AAA`, refresh)).body.code).toBe('invalid_token');
      expect((await logout('junk', refresh)).body.code).toBe('invalid_token');
      expect(await sessionsLeft()).toBe(1);
    });

    it('answers 401 when neither is good', async () => {
      const { access_token: access, refresh_token: refresh } = await t.login(name);
      t.clock.advance('5m');
      expect((await logout(access)).body).toMatchObject({ statusCode: 401, code: 'token_expired' });
      expect((await logout(access, 'junk')).body).toMatchObject({ statusCode: 401, code: 'invalid_refresh_token' });
      expect((await logout(access, access)).body).toMatchObject({ statusCode: 401, code: 'invalid_refresh_token' });
      expect((await logout(undefined, access)).body).toMatchObject({ statusCode: 401, code: 'invalid_refresh_token' });
      expect((await logout()).body).toMatchObject({ statusCode: 401, code: 'missing_token' });
      expect(await sessionsLeft()).toBe(1);
      expect((await logout(undefined, refresh)).status).toBe(204);
      expect((await logout(undefined, refresh)).body).toMatchObject({ statusCode: 401, code: 'invalid_refresh_token' });
    });

    it('says when the refresh token has expired', async () => {
      const { access_token: access, refresh_token: refresh } = await t.login(name);
      t.clock.advance('1d');
      expect((await logout(access, refresh)).body.code).toBe('refresh_token_expired');
    });

    it('takes text only', async () => {
      const { access_token: access } = await t.login(name);
      for (const refresh of [1, ['x'], {}, true]) {
        expect((await logout(undefined, refresh)).body).toMatchObject({ statusCode: 400, code: 'invalid_request' });
      }
      expect(await t.statusOf(access)).toBe(204);
    });
  });
});
