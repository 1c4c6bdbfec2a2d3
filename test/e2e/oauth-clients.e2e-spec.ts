import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JwtKnoxClient } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { basic, FORM, oauthOptions, postForm } from '../support/oauth';
import { often } from '../support/lengths';

const MANY = often(100, 500);
const SECRET = 'Kq7xPz2mWv9tRb4nYc6hJd8s';
const INACTIVE = '{"active":false}';

/** `reader` has what a client has by default. */
const clients: JwtKnoxClient[] = [
  { id: 'reader', secret: SECRET },
  { id: 'auditor', secret: SECRET, may: ['introspect', 'introspect_refresh'] },
  { id: 'ender', secret: SECRET, may: ['revoke'] },
];

describe.each(everyEnvironment)('what a client may do: $title', ({ platform, kind }) => {
  let t: TestApp;
  let tokens: any;

  const ask = (path: string, client: string, token: string) =>
    postForm(t.http, `/auth/${path}`, { token }, { authorization: basic(client, SECRET) });
  const sessions = () => t.source.getRepository(JwtKnoxSession).countBy({ id: tokens.session_id });
  const rejections = () => t.events.filter(({ name }) => name === 'client.rejected').map(({ event }) => event);

  beforeAll(async () => {
    t = await createApp(platform, kind, { options: { ...oauthOptions, clients }, extras: { routes: { oauth: true } } });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    tokens = await t.login();
    t.events.length = t.statements.length = 0;
  });

  describe('introspection', () => {
    it('S5: a refresh token is exactly inactive to a client that may not see it, without a query', async () => {
      const unknown = await ask('introspect', 'reader', 'nonsense');
      const answer = await ask('introspect', 'reader', tokens.refresh_token);
      expect([answer.status, answer.text]).toEqual([200, INACTIVE]);
      expect({ ...answer.headers, date: '' }).toEqual({ ...unknown.headers, date: '' });
      expect(t.statements).toEqual([]);
      // Control: the access token of the same session is active to it.
      expect((await ask('introspect', 'reader', tokens.access_token)).body.active).toBe(true);
    });

    it('S5: a hint changes nothing about that', async () => {
      for (const hint of ['refresh_token', 'access_token', 'x']) {
        const form = { token: tokens.refresh_token, token_type_hint: hint };
        const answer = await postForm(t.http, '/auth/introspect', form, { authorization: basic('reader', SECRET) });
        expect(answer.text).toBe(INACTIVE);
      }
    });

    it('tells of refresh tokens to a client that may see them', async () => {
      const { body } = await ask('introspect', 'auditor', tokens.refresh_token);
      expect(body).toMatchObject({ active: true, sid: tokens.session_id });
      expect(body).not.toHaveProperty('token_type');
      expect((await ask('introspect', 'auditor', tokens.access_token)).body.token_type).toBe('Bearer');
    });

    it('S5: host code sees refresh tokens only where it asks for them', async () => {
      expect(await t.tokens.introspect(tokens.refresh_token)).toEqual({ active: false });
      const told = await t.tokens.introspect(tokens.refresh_token, { refreshTokens: true });
      expect(told).toMatchObject({ active: true, sid: tokens.session_id });
      expect(await t.tokens.introspect(tokens.access_token)).toMatchObject({ active: true, token_type: 'Bearer' });
    });
  });

  describe('without the right', () => {
    it.each([
      ['revoke', 'reader'],
      ['revoke', 'auditor'],
      ['introspect', 'ender'],
    ])('%s refuses the client %s in the words of RFC 6749, whatever the token', async (path, client) => {
      for (const token of [tokens.access_token, tokens.refresh_token, 'nonsense']) {
        const answer = await ask(path, client, token);
        const { message } = answer.body;
        expect([answer.status, answer.headers['www-authenticate']]).toEqual([400, undefined]);
        expect(answer.body).toEqual({
          statusCode: 400, error: 'unauthorized_client', code: 'unauthorized_client', message, error_description: message,
        }); // prettier-ignore
        expect(message).toContain(`'${path}'`);
      }
      expect([await sessions(), t.statements.filter((sql) => /^DELETE/i.test(sql))]).toEqual([1, []]);
      expect((await t.http.get('/notes', { token: tokens.access_token })).status).toBe(200);
      expect(rejections()).toEqual(
        Array.from({ length: 3 }, () => expect.objectContaining({ clientId: client, reason: 'not_allowed' })),
      );
    });

    it('a client that may only revoke ends sessions, by access and refresh token', async () => {
      for (const name of ['access_token', 'refresh_token'] as const) {
        tokens = await t.login();
        expect((await ask('revoke', 'ender', tokens[name])).status).toBe(200);
        expect(await sessions()).toBe(0);
      }
      expect(rejections()).toEqual([]);
    });

    it('a wrong secret is told before a missing right: who did not prove who they are learns nothing', async () => {
      const form = { token: tokens.access_token };
      const answer = await postForm(t.http, '/auth/revoke', form, { authorization: basic('reader', `${SECRET}x`) });
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_client']);
    });
  });

  describe.each(['introspect', 'revoke'])('a client that %s refuses leaves a trace', (path) => {
    const send = (authorization: string | undefined, more: Record<string, string> = {}) =>
      postForm(
        t.http,
        `/auth/${path}`,
        { token: tokens.access_token },
        { authorization, 'user-agent': 'curl/8', ...more },
      );

    it('of each of many wrong secrets', async () => {
      for (let i = 0; i < MANY; i++) await send(basic('ender', `${SECRET}${i}`));
      const presenter = { userAgent: 'curl/8', ip: '127.0.0.1' };
      expect(rejections()).toEqual(
        Array.from({ length: MANY }, () => ({ clientId: 'ender', presenter, reason: 'wrong_secret' })),
      );
      expect(t.statements).toEqual([]);
    });

    it.each([
      ['no credentials', undefined, null, 'no_credentials'],
      ['another scheme', 'Bearer x', null, 'no_credentials'],
      ['no base64', 'Basic ????', null, 'no_credentials'],
      ['no secret', basic('ender', ''), null, 'no_credentials'],
      ['an unknown client', basic('nobody', SECRET), 'nobody', 'unknown_client'],
      ['a member of every object', basic('__proto__', SECRET), '__proto__', 'unknown_client'],
      ['a form-encoded id', basic('no%62ody+x', SECRET), 'nobody x', 'unknown_client'],
      ['S10: an id of control and bidi characters', basic('\u202ea\n\x1b[31mb', SECRET), 'a[31mb', 'unknown_client'],
      ['S10: an id of nothing else', basic('\n\r', SECRET), null, 'unknown_client'],
      ['S10: an id of 5,000 characters', basic('x'.repeat(5_000), SECRET), 'x'.repeat(128), 'unknown_client'],
    ])('of %s', async (_title, authorization, clientId, reason) => {
      const answer = await send(authorization);
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_client']);
      expect(rejections()).toEqual([expect.objectContaining({ clientId, reason })]);
    });

    it('S10: with a presenter that is cleaned as the columns are', async () => {
      await send(undefined, { 'user-agent': `a\tb${'x'.repeat(2_000)}` });
      const [{ presenter }] = rejections();
      expect(presenter.userAgent).toMatch(/^abx+$/);
      expect(presenter.userAgent).toHaveLength(512);
    });

    it('S11: which shows no secret', async () => {
      for (const id of ['ender', 'nobody']) await send(basic(id, 'a wrong secret of mine'));
      await send(`Basic ${Buffer.from('a wrong secret of mine').toString('base64')}`);
      const shown = inspect(rejections(), { depth: 9 }) + JSON.stringify(rejections());
      for (const text of ['wrong secret', SECRET, tokens.access_token]) expect(shown).not.toContain(text);
    });

    it('control: a client that may leaves none, nor does one whose request is badly formed', async () => {
      const client = path === 'revoke' ? 'ender' : 'reader';
      expect((await send(basic(client, SECRET))).status).toBe(200);
      const answer = await postForm(t.http, `/auth/${path}`, 'token=a&token=b', {
        authorization: basic(client, SECRET),
      });
      expect([answer.status, answer.headers['content-type'] !== FORM]).toEqual([400, true]);
      expect(rejections()).toEqual([]);
    });
  });
});
