import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { boundBrowser, challengeIn, createBoundApp, logInAs, rowOf } from '../support/bound-app';
import { cookiesIn } from '../support/browser-like';
import { type Control, controlledRepository } from '../support/controlled-repository';
import { environments, type TestApp } from '../support/create-app';
import { DbscBrowser, makeKey, type ProofChange, publicJwk } from '../support/dbsc-browser';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';

const ACCESS = '__Host-knox-access';
const REFRESH = '__Host-knox-refresh';
const PROOF = 'secure-session-response';

describe.each(environments)('DBSC, the refresh: $title', ({ platform, kind }) => {
  let t: TestApp;
  let control: Control;
  let user: User;
  let browser: DbscBrowser;
  let count = 0;
  beforeAll(async () => {
    const { storage, control: hand } = controlledRepository();
    control = hand;
    t = await createBoundApp(platform, kind, { extras: { storage }, entities: [JwtKnoxSession, JwtKnoxFence] });
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    user = await t.users.add(`user${++count}`);
    browser = await boundBrowser(t, user.username);
    t.events.length = 0;
  });

  const id = () => browser.bound.id;
  const challenge = async () => challengeIn(await browser.ask({}));
  const tokenIn = (cookie: string) => claimsOf(browser.jar.get(cookie)!);

  it('answers a request without a proof with a challenge for this session', async () => {
    const answer = await browser.ask({});
    expect(answer).toMatchObject({ status: 403, headers: { 'cache-control': 'no-store' } });
    expect(answer.headers['secure-session-challenge']).toMatch(new RegExp(`^"[\\w.-]+";id="${id()}"$`));
  });

  it('renews both cookies for a proof: a new access token, and the same refresh key with a new end', async () => {
    const before = { access: tokenIn(ACCESS), refresh: tokenIn(REFRESH) };
    t.clock.advance('4m');
    browser.expire();
    const answer = await browser.ask({ [PROOF]: browser.proofFor(await challenge()) });
    expect(answer).toMatchObject({ status: 200, body: { session_identifier: id() } });
    expect(Object.keys(cookiesIn(answer)).toSorted()).toEqual([ACCESS, REFRESH]);
    const after = { access: tokenIn(ACCESS), refresh: tokenIn(REFRESH) };
    expect(after.refresh.token_key).toBe(before.refresh.token_key);
    expect(after.refresh.exp).toBe(before.refresh.exp + 240);
    expect(after.access.jti).not.toBe(before.access.jti);
    expect(await rowOf(t, id())).toMatchObject({ generation: 1, boundProofAt: t.clock.now() });
    expect((await browser.get('/notes')).status).toBe(200);
  });

  it('ends the cookie 30 seconds before its token', async () => {
    await browser.renew();
    const { attributes } = cookiesIn(browser.answers.at(-1)!)[ACCESS]!;
    const { exp, iat } = tokenIn(ACCESS);
    expect(attributes).toContain(`Max-Age=${exp - iat - 30}`);
  });

  it('moves the access key on when that is due', async () => {
    const { accessKeyIndex } = (await rowOf(t, id()))!;
    for (let turns = 0; turns < 3; turns++) {
      t.clock.advance('4m');
      expect(await browser.renew()).toBe('renewed');
    }
    expect((await rowOf(t, id()))!.accessKeyIndex).toBeGreaterThan(accessKeyIndex!);
  });

  describe('refuses as 401, and takes nothing from the session', () => {
    async function refused(change: ProofChange) {
      const before = await rowOf(t, id());
      const answer = await browser.ask({ [PROOF]: browser.proofFor(await challenge(), change) });
      expect(answer.status).toBe(401);
      expect(answer.headers['set-cookie']).toBeUndefined();
      // What it may get, in its own time, is the note of it.
      expect({ ...(await rowOf(t, id())), boundRefusedAt: null }).toEqual(before);
      const refusal = t.events.find((one) => one.name === 'binding.refused')?.event;
      expect(refusal).toMatchObject({ sessionId: id(), userId: String(user.id) });
    }

    it('the proof of another key', () => refused({ key: makeKey().privateKey }));
    it('K6 a proof that brings its own key', () => {
      const { privateKey } = makeKey();
      return refused({ key: privateKey, header: { jwk: publicJwk(privateKey) } });
    });
    it('a proof of another type', () => refused({ header: { typ: 'dpop+jwt' } }));
    it('a proof without a type', () => refused({ header: { typ: undefined } }));
    it('no algorithm', () => refused({ header: { alg: 'none' } }));
    it('another algorithm than that of the key', () => refused({ header: { alg: 'RS256' } }));
    it('what is no proof', async () => {
      expect((await browser.ask({ [PROOF]: 'a.b.c' })).status).toBe(401);
    });
  });

  describe('answers with a new challenge, for which a proof is good at once,', () => {
    async function challenged(shown: string) {
      const before = await rowOf(t, id());
      const answer = await browser.ask({ [PROOF]: shown });
      expect(answer.status).toBe(403);
      expect(await rowOf(t, id())).toEqual(before);
      expect((await browser.ask({ [PROOF]: browser.proofFor(challengeIn(answer)) })).status).toBe(200);
    }

    it('K4 a proof that was used', async () => {
      const proof = browser.proofFor(await challenge());
      expect((await browser.ask({ [PROOF]: proof })).status).toBe(200);
      await challenged(proof);
    });
    it('K4 a proof for a challenge from before the last one that was used', async () => {
      const early = browser.proofFor(await challenge());
      t.clock.advance('1s');
      await browser.renew();
      await challenged(early);
    });
    it('K4 a proof for a challenge of more than a minute ago', async () => {
      const proof = browser.proofFor(await challenge());
      t.clock.advance('61s');
      await challenged(proof);
    });
    it('a proof without a challenge', () => challenged(browser.proofFor('', { payload: { jti: undefined } })));
    it('a proof for a challenge that was made up', () => challenged(browser.proofFor('mwxnrleb.4MKaqyaOIF36.aaaa')));
    it('a proof for a challenge of another session', async () => {
      const other = await boundBrowser(t, user.username);
      await challenged(browser.proofFor(challengeIn(await other.ask({}))));
    });
    it('a proof for the challenge of the registration', async () => {
      const login = new DbscBrowser(t.http);
      login.registers = false;
      const offer = String((await logInAs(login, user.username)).headers['secure-session-registration']);
      const [, made] = /challenge="([^"]*)"/.exec(offer)!;
      await challenged(browser.proofFor(made!));
    });
  });

  it('K4 accepts one of proofs that are sent at once', async () => {
    const proof = browser.proofFor(await challenge());
    const answers = await Promise.all(Array.from({ length: 5 }, () => browser.ask({ [PROOF]: proof })));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, 403, 403, 403, 403]);
  });

  it('tolerates members of a proof that nobody asked for', async () => {
    const proof = browser.proofFor(await challenge(), { payload: { aud: 'https://app.example.com', iat: 1 } });
    expect((await browser.ask({ [PROOF]: proof })).status).toBe(200);
  });

  it.each(['/auth/dbsc/REFRESH', '/auth/dbsc/%72efresh', '/auth/dbsc/refresh/'])(
    'takes %s for no registration, whoever routes it here',
    async (path) => {
      const headers = { 'sec-secure-session-id': browser.bound.id };
      expect([403, 404]).toContain((await browser.post(path, { headers })).status);
    },
  );

  it('refuses what is no browser as 400', async () => {
    expect((await browser.post('/auth/dbsc/refresh')).status).toBe(400);
    expect((await browser.ask({ 'sec-secure-session-id': '../../etc' })).status).toBe(400);
  });

  describe('ends the session in the browser', () => {
    const ended = (sessionId: string) => ({ session_identifier: sessionId, continue: false });

    it('where it was revoked', async () => {
      const sessionId = id();
      await t.tokens.revoke(sessionId);
      expect((await browser.ask({})).body).toEqual(ended(sessionId));
      expect(await browser.renew()).toBe('ended');
    });
    it('where it has expired', async () => {
      const sessionId = id();
      t.clock.advance('25h');
      expect(await browser.ask({})).toMatchObject({ status: 200, body: ended(sessionId) });
    });
    it('where there is none such', async () => {
      const unknown = '00000000-0000-4000-8000-000000000000';
      const answer = await browser.ask({ 'sec-secure-session-id': unknown });
      expect(answer).toMatchObject({ status: 200, body: ended(unknown) });
    });
    it('where it is not bound', async () => {
      const plain = new DbscBrowser(t.http);
      plain.registers = false;
      const { session_id: sessionId } = (await logInAs(plain, user.username)).body;
      const answer = await browser.ask({ 'sec-secure-session-id': sessionId });
      expect(answer).toMatchObject({ status: 200, body: ended(sessionId) });
    });
    it('where the user is no longer active', async () => {
      await t.users.rows.update(user.id, { isActive: false });
      expect(await browser.renew()).toBe('ended');
    });
    it('where the refresh cookie is of a session that took its place', async () => {
      const first = browser.bound;
      await logInAs(browser, user.username);
      expect(browser.sessions.size).toBe(2);
      expect(await rowOf(t, first.id)).toBeUndefined();
      expect(await browser.renew(first.id)).toBe('ended');
      expect(await browser.renew()).toBe('renewed');
    });
    it('where the refresh cookie is of another session that lives', async () => {
      const other = await boundBrowser(t, user.username);
      browser.jar.set(REFRESH, other.jar.get(REFRESH)!);
      expect((await browser.ask({})).body).toEqual(ended(id()));
      expect(await rowOf(t, id())).toBeDefined();
    });
  });

  describe('K5 says "not now", and renews later,', () => {
    async function later(disturb: () => unknown, mend: () => unknown) {
      await disturb();
      expect(await browser.renew()).toBe('kept');
      const answer = browser.answers.at(-1)!;
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      expect(answer.headers['set-cookie']).toBeUndefined();
      await mend();
      browser.expire();
      expect((await browser.get('/notes')).status).toBe(200);
    }

    it('without the refresh cookie', () => {
      const token = browser.jar.get(REFRESH)!;
      return later(
        () => browser.jar.delete(REFRESH),
        () => browser.jar.set(REFRESH, token),
      );
    });
    it('with a refresh cookie that nobody can read', () => {
      const token = browser.jar.get(REFRESH)!;
      return later(
        () => browser.jar.set(REFRESH, `${token.slice(0, -8)}AAAAAAAA`),
        () => browser.jar.set(REFRESH, token),
      );
    });
    it.each(['findById', 'acceptProof', 'prolong'] as const)('while the storage fails at %s', (method) =>
      later(
        () => {
          control.intercept = (called, proceed) => (called === method ? Promise.reject(new Error('gone')) : proceed());
        },
        () => control.heal(),
      ),
    );
  });

  it('K5 survives answers that are lost, at every leg', async () => {
    for (const route of ['refresh'] as const) {
      for (let lost = 1; lost <= 3; lost++) {
        let left = lost;
        browser.loses = (asked) => asked === route && left-- > 0;
        t.clock.advance('4m');
        browser.expire();
        await browser.get('/notes');
        browser.expire();
        for (let tries = 0; tries < 3 && !browser.jar.has(ACCESS); tries++) await browser.renew();
        expect((await browser.get('/notes')).status).toBe(200);
      }
    }
  });

  it('K5 renews for a browser whose last plain refresh was rotated without an answer', async () => {
    t.clock.advance('30s');
    const jar = new Map(browser.jar);
    const headers = { 'idempotency-key': 'abcdef0123456789' };
    expect((await browser.post('/auth/refresh', { headers })).status).toBe(200);
    for (const [name, value] of jar) browser.jar.set(name, value);
    t.clock.advance('4m');
    browser.expire();
    expect((await browser.get('/notes')).status).toBe(200);
    expect(await browser.renew()).toBe('renewed');
  });

  it('K3 asks for a proof from the first one on: no plain refresh, and no logout by the refresh token', async () => {
    expect((await browser.post('/auth/refresh')).status).toBe(200);
    await browser.renew();
    const refused = { status: 401, body: { code: 'binding_required' } };
    expect(await browser.post('/auth/refresh')).toMatchObject(refused);
    const token = browser.jar.get(REFRESH)!;
    expect(await t.http.post('/auth/refresh', { json: { refresh_token: token } })).toMatchObject(refused);
    browser.expire();
    browser.defers = false;
    expect(await browser.post('/auth/logout')).toMatchObject(refused);
    expect(await browser.visit('/notes')).toMatchObject({ status: 401, body: { code: 'missing_token' } });
    expect(await rowOf(t, id())).toBeDefined();
  });

  it('names no scheme in a refusal that it would not take', async () => {
    await browser.renew();
    const token = browser.jar.get(ACCESS)!;
    const refused = [
      [await browser.post('/auth/refresh'), 'binding_required'],
      [await t.http.get('/notes', { headers: { authorization: `DPoP ${token}` } }), 'invalid_token'],
    ] as const;
    for (const [{ status, headers }, error] of refused) {
      expect([status, headers['www-authenticate']]).toEqual([401, `Bearer realm="jwt-knox", error="${error}"`]);
    }
  });

  it('lets a thief who logs in with the cookies end the session, which an event tells, and no more', async () => {
    const mallory = await t.users.add(`mallory${count}`);
    await browser.renew();
    const session = id();
    const thief = new DbscBrowser(t.http);
    thief.registers = false;
    for (const [name, value] of browser.jar) thief.jar.set(name, value);
    const stolen = new Map(thief.jar);
    const wrong = { username: mallory.username, password: 'wrong' };
    expect((await thief.post('/auth/login', { json: wrong })).status).toBe(401);
    expect(await browser.renew()).toBe('renewed');
    t.events.length = 0;
    const { body } = await logInAs(thief, mallory.username);
    const [userId, thiefId] = [String(user.id), String(mallory.id)];
    expect(t.events.filter(({ name }) => name === 'session.revoked').map(({ event }) => event)).toEqual([
      {
        scope: { sessionId: session },
        userId,
        sessionId: session,
        count: 1,
        since: expect.any(Number),
        reason: 'replaced',
        actor: { userId: thiefId, sessionId: body.session_id },
      },
    ]);
    // Of the session nothing is left for the thief, who is in their own now; the browser is told that it is over.
    expect(claimsOf(thief.jar.get(ACCESS)!).sub).toBe(thiefId);
    expect(claimsOf(thief.jar.get(REFRESH)!).sub).toBe(thiefId);
    const den = new DbscBrowser(t.http);
    for (const [name, value] of stolen) den.jar.set(name, value);
    expect([(await den.get('/notes')).status, (await den.post('/auth/refresh')).status]).toEqual([401, 401]);
    expect(await t.tokens.list(userId)).toEqual([]);
    expect(await browser.renew()).toBe('ended');
  });

  it('K1 leaves a thief with all cookies nothing after the access token', async () => {
    await browser.renew();
    const thief = new DbscBrowser(t.http);
    for (const [name, value] of browser.jar) thief.jar.set(name, value);
    expect((await thief.get('/notes')).status).toBe(200);
    const headers = { 'sec-secure-session-id': id() };
    const stolen = async () => thief.post('/auth/dbsc/refresh', { headers });
    const made = challengeIn(await stolen());
    const proof = browser.proofFor(made, { key: makeKey().privateKey });
    expect((await thief.post('/auth/dbsc/refresh', { headers: { ...headers, [PROOF]: proof } })).status).toBe(401);
    t.clock.advance('301s');
    expect((await thief.get('/notes')).status).toBe(401);
    browser.expire();
    expect((await browser.get('/notes')).status).toBe(200);
  });

  it('goes on after the user has proven the password again', async () => {
    await browser.renew();
    const json = { password: `${user.username}-password` };
    expect((await browser.post('/auth/reauthenticate', { json })).status).toBe(200);
    t.clock.advance('4m');
    browser.expire();
    expect((await browser.get('/notes')).status).toBe(200);
  });

  it('ends with a logout', async () => {
    const sessionId = id();
    browser.expire();
    expect((await browser.post('/auth/logout')).status).toBe(204);
    expect(await rowOf(t, sessionId)).toBeUndefined();
  });
});
