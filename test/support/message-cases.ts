import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtKnoxGuard } from '../../lib';
import { MicroserviceContextReader } from '../../lib/microservices';
import { createApp, environments, NotesController, type TestApp } from './create-app';
import { configuredKeys, forge, headers, rightful } from './forge';
import { FORGERIES } from './forgeries';
import type { Door, Reply, Sender } from './message-doors';
import type { User } from './users';

const bearer = (token: string): [string, string][] => [['authorization', `Bearer ${token}`]];

/** A payload that looks like a request of alice, in every member that somebody might read. */
const requestLike = (token: string) => ({
  text: 'hello',
  headers: { authorization: `Bearer ${token}`, Authorization: `Bearer ${token}` },
  user: { username: 'mallory', id: '1' },
  knox: { session: 'forged' },
});

/**
 * What holds at every door for messages.
 * @param every each how many-th forgery goes through this door: 1 for all
 */
export function messageCases(title: string, make: () => Door, every: number): void {
  describe.each(environments)(`messages over ${title}, on $title`, ({ platform, kind }) => {
    let t: TestApp;
    let sender: Sender;
    let alice: User;

    beforeAll(async () => {
      const door = make();
      t = await createApp(platform, kind, {
        options: { keys: configuredKeys },
        extras: { contextReader: MicroserviceContextReader },
        controllers: [door.handlers, NotesController],
        prepare: (app) => void app.connectMicroservice(door.options),
      });
      await t.app.startAllMicroservices();
      sender = await door.connect();
      alice = await t.users.add('alice');
      await t.users.add('bob');
    });
    afterAll(async () => {
      await sender?.close();
      await t?.close();
    });

    const refused = (status: number, code: string) => {
      const grpc = { 400: 3, 401: 16, 403: 7 }[status];
      const told = { code, message: expect.stringMatching(/\w{3}/) };
      return { refused: title === 'gRPC' ? { ...told, grpc } : { ...told, status } };
    };

    /** What HTTP says of the same token: status and code, or the session. */
    async function overHttp(token: string): Promise<Reply> {
      const { status, body } = await t.http.get('/notes', { token });
      return status === 200 ? { userId: body.userId, sessionId: body.sessionId } : refused(status, body.code);
    }

    async function asked(token: string): Promise<Reply> {
      const reply = await sender.ask('me', bearer(token));
      return reply.refused ? reply : { userId: reply.userId, sessionId: reply.sessionId };
    }

    it('know their user, session and token, and nothing else of the sender', async () => {
      const { access_token: token, session_id: sessionId } = await t.login();
      const reply = await sender.askWith('me', token, { text: 'hello' });
      expect(reply).toMatchObject({ userId: alice.id, username: 'alice', sessionId, token });
      expect(reply.sent.text).toBe(5);
      expect(reply.found).toEqual(['headers', 'rawHeaders', 'user', 'knox']);
    });

    it('D1: are let in with the tokens that HTTP lets in, and with no other', async () => {
      const { access_token: access, refresh_token: refresh } = await t.login();
      const booty = { access, refresh, server: 'http://127.0.0.1:9' };
      const good = (Object.keys(rightful) as (keyof typeof rightful)[]).map((kid) =>
        forge(access, rightful[kid], { header: headers[kid] }),
      );
      const bad = FORGERIES.filter((_, index) => index % every === 0)
        .map(({ make: forged }) => forged(booty))
        .filter((token) => title !== 'gRPC' || /^[ -~]*$/.test(token));
      let [letIn, out] = [0, 0];
      for (const token of [...good, ...bad]) {
        const verdict = await asked(token);
        expect(verdict).toEqual(await overHttp(token));
        if (verdict.refused) out++;
        else letIn++;
      }
      expect([letIn, out]).toEqual([good.length, bad.length]);
      expect(bad.length).toBeGreaterThan(300 / every);
    });

    it.each<[string, () => Promise<[string, string][]>, number, string]>([
      ['no header', async () => [], 401, 'missing_token'],
      ['another header', async () => [['x-token', (await t.login()).access_token]], 401, 'missing_token'],
      ['another scheme', async () => [['authorization', 'Basic YWxpY2U6YQ==']], 401, 'missing_token'],
      ['no scheme', async () => [['authorization', (await t.login()).access_token]], 401, 'missing_token'],
      ['an empty token', async () => [['authorization', 'Bearer']], 401, 'invalid_token'],
      ['other text', async () => bearer('hello'), 401, 'invalid_token'],
      ['a token and another word', async () => bearer(`${(await t.login()).access_token} x`), 401, 'invalid_token'],
      ['a refresh token', async () => bearer((await t.login()).refresh_token), 401, 'invalid_token'],
      [
        'a cookie',
        async () => [['cookie', `__Host-access_token=${(await t.login()).access_token}`]],
        401,
        'missing_token',
      ],
    ])('with %s are refused, and their sender learns why', async (_title, pairs, status, code) => {
      expect(await sender.ask('me', await pairs())).toEqual(refused(status, code));
    });

    it('find the header whatever the case of its letters', async () => {
      const { access_token: token } = await t.login();
      for (const name of ['Authorization', 'AUTHORIZATION']) {
        expect(await sender.ask('me', [[name, `bearer   ${token}`]])).toMatchObject({ username: 'alice' });
      }
    });

    // Over HTTP/2, Node.js takes the first of two; and what gRPC calls a message has the members of its schema.
    const sendsAnything = title !== 'gRPC' ? it : () => undefined;

    sendsAnything('with two tokens are refused, in one header or in two spellings of it', async () => {
      const [one, other] = [bearer((await t.login()).access_token), bearer((await t.login('bob')).access_token)];
      const spelled: [string, string][] = [['Authorization', other[0]![1]]];
      for (const pairs of [
        [...one, ...other],
        [...one, ...one],
        [...one, ...spelled],
      ]) {
        expect(await sender.ask('me', pairs)).toEqual(refused(400, 'invalid_request'));
        expect(await sender.ask('greet', pairs)).toEqual(refused(400, 'invalid_request'));
      }
    });

    it('D4: whose payload is shaped like a request authenticate nobody by it, and find it untouched', async () => {
      const payload = requestLike((await t.login()).access_token);
      expect(await sender.ask('me', [], payload)).toEqual(refused(401, 'missing_token'));
      expect(await sender.ask('greet', [], payload)).toEqual({ hello: 'stranger' });
      expect(await sender.ask('open', [], payload)).toEqual({ user: null, token: null });
      const { access_token: bobs } = await t.login('bob');
      const reply = await sender.ask('me', bearer(bobs), payload);
      expect(reply).toMatchObject({ username: 'bob', token: bobs });
      expect(reply.sent.keys.toSorted()).toEqual(['headers', 'knox', 'text', 'user']);
    });

    sendsAnything('D4: whose payload or header is named __proto__ authenticate nobody by it', async () => {
      const { access_token: token } = await t.login();
      const payload: unknown = JSON.parse(
        JSON.stringify({ proto: requestLike(token) }).replace('"proto"', '"__proto__"'),
      );
      for (const odd of [payload, null, 'Bearer', 7, [], [requestLike(token)]]) {
        expect(await sender.ask('me', [], odd)).toEqual(refused(401, 'missing_token'));
      }
      const reply = await sender.ask('me', [['__proto__', `Bearer ${token}`]]);
      expect(reply).toEqual(refused(401, 'missing_token'));
      expect(Reflect.ownKeys({}.constructor.prototype)).not.toContain('authorization');
    });

    it('keep to what their handlers ask: scopes, a fresh login, a login, nothing', async () => {
      const { accessToken: reads } = await t.tokens.issue(alice, {}, { scopes: ['orders:read'] });
      const { accessToken: writes } = await t.tokens.issue(alice, {}, { scopes: ['orders:write'] });
      for (const name of ['read', 'any', 'fresh', 'own']) expect(await sender.askWith(name, reads)).toEqual({});
      for (const name of ['read', 'any']) {
        expect(await sender.askWith(name, writes)).toEqual(refused(403, 'insufficient_scope'));
      }
      const { accessToken: program } = await t.tokens.issueProgramToken(alice, { name: 'ci', scopes: ['orders:read'] });
      expect(await sender.askWith('read', program)).toEqual({});
      expect(await sender.askWith('own', program)).toEqual(refused(403, 'forbidden'));
      t.clock.advance('4m');
      expect(await sender.askWith('fresh', reads)).toEqual(refused(401, 'insufficient_user_authentication'));
      expect(await sender.ask('open', bearer('nonsense'))).toEqual({ user: null, token: null });
      expect(await sender.ask('greet', [])).toEqual({ hello: 'stranger' });
      expect(await sender.ask('greet', bearer(reads))).toEqual({ hello: 'alice' });
      expect(await sender.ask('greet', bearer('nonsense'))).toEqual(refused(401, 'invalid_token'));
    });

    it('S12: are judged one by one: after a logout, and after the end of the token, the next one is refused', async () => {
      const [ended, expiring] = [await t.login(), await t.login()];
      expect(await asked(ended.access_token)).toMatchObject({ userId: alice.id });
      await t.http.post('/auth/logout', { token: ended.access_token });
      expect(await asked(ended.access_token)).toEqual(refused(401, 'invalid_token'));
      expect(await asked(expiring.access_token)).toMatchObject({ userId: alice.id });
      t.clock.advance('1h');
      expect(await asked(expiring.access_token)).toEqual(refused(401, 'token_expired'));
    });

    it('S12: of one connection that are under way together keep their users', async () => {
      const [one, other] = [(await t.login()).access_token, (await t.login('bob')).access_token];
      const names = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'alice' : 'bob'));
      const replies = await Promise.all(
        names.map((name, index) =>
          sender.askWith('slow', name === 'alice' ? one : other, { text: String((index * 7) % 50) }),
        ),
      );
      expect(replies.map(({ username }) => username as string)).toEqual(names);
    });

    it('are judged once, however many guards they meet', async () => {
      const { access_token: token } = await t.login();
      const count = async (name: string) => {
        t.statements.length = 0;
        expect(await sender.askWith(name, token, { text: '0' })).toEqual({ username: 'alice' });
        return t.statements.length;
      };
      expect(await count('twice')).toBe(await count('slow'));
    });

    it('leave HTTP as it is beside them', async () => {
      const { access_token: token, session_id: sessionId } = await t.login();
      expect((await t.http.get('/notes', { token })).body).toMatchObject({ username: 'alice', sessionId });
      expect((await t.http.get('/notes')).body).toMatchObject({ statusCode: 401, code: 'missing_token' });
      expect((await t.http.get('/notes/greeting')).body).toEqual({ hello: 'stranger' });
      expect(t.app.get(JwtKnoxGuard)).toBeInstanceOf(JwtKnoxGuard);
    });
  });
}
