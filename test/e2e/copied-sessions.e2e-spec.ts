import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JwtKnoxEventMap, JwtKnoxEvents } from '../../lib';
import { pages } from '../../lib/pages';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { boundBrowser, challengeIn, createBoundApp, ORIGIN, rowOf } from '../support/bound-app';
import { BrowserLike } from '../support/browser-like';
import { type Control, controlledRepository } from '../support/controlled-repository';
import { environments, SECRET, type TestApp } from '../support/create-app';
import { DbscBrowser, makeKey } from '../support/dbsc-browser';
import { claimsOf } from '../support/decode';
import { DpopDevice } from '../support/dpop-device';
import { eventually } from '../support/eventually';
import { forge, signerOf } from '../support/forge';
import { postForm, targetOf, textOf } from '../support/forms';

const PROOF = 'secure-session-response';
const REFUSED = 'Somebody tried to use this session from another device. The attempt was refused.';
const ALICE = { username: 'alice', password: 'alice-password' };
const KEY = () => randomBytes(32).toString('base64url');
/** What somebody makes of a token who has the signing key, and no key of the session. */
const forged = (token: string) => {
  const keys = { token_key: KEY(), ...('session_key' in claimsOf(token) && { session_key: KEY() }) };
  return forge(token, signerOf('HS256', SECRET), { payload: keys });
};

/** Of what is no browser: it gets its tokens in the body. */
const PROGRAM = { 'user-agent': 'Shop/1.0 (iPhone)' };

describe.each(environments)('a bound session whose tokens were copied: $title', ({ platform, kind }) => {
  let t: TestApp;
  let control: Control;
  let device: DpopDevice;
  let thief: DpopDevice;
  let copied: JwtKnoxEventMap['session.copied'][];

  beforeEach(async () => {
    const { storage, control: hand } = controlledRepository();
    control = hand;
    t = await createBoundApp(platform, kind, {
      binding: { dpop: 'prefer' },
      extras: { storage, features: [pages()], routes: { admin: true } },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    await t.users.add('alice');
    await t.users.add('bob');
    await t.users.add('root', { isAdmin: true });
    [device, thief] = [new DpopDevice(() => t.clock.now(), ORIGIN), new DpopDevice(() => t.clock.now(), ORIGIN)];
    copied = [];
    t.app.get(JwtKnoxEvents).on('session.copied', (event) => void copied.push(event));
  });
  afterEach(() => t.close());

  const noteCount = () => control.calls.filter((method) => method === 'noteRefusal').length;
  /** Nothing was noted, and nothing is under way that could be. */
  const nothingWasNoted = () => expect([noteCount(), copied]).toEqual([0, []]);
  const refusals = () => t.events.filter(({ name }) => name === 'binding.refused').map(({ event }) => event);

  async function phone() {
    const headers = { ...PROGRAM, dpop: device.proof('POST', '/auth/login') };
    const { body } = await t.http.post('/auth/login', { json: ALICE, headers });
    return {
      id: body.session_id as string,
      access: body.access_token as string,
      refresh: body.refresh_token as string,
    };
  }
  const notes = (headers: Record<string, string>) => t.http.get('/notes', { headers: { ...PROGRAM, ...headers } });
  const refresh = (token: string, headers = {}) =>
    t.http.post('/auth/refresh', { json: { refresh_token: token }, headers: { ...PROGRAM, ...headers } });

  describe('with a key of DPoP', () => {
    it.each<[string, string, (stolen: Awaited<ReturnType<typeof phone>>) => Promise<unknown>]>([
      ['an access token with a proof of another key', 'wrong_key',
        ({ access }) => notes(thief.headers('GET', '/notes', access))],
      ['an access token without its scheme', 'wrong_scheme', ({ access }) => notes({ authorization: `Bearer ${access}` })],
      ['an access token without a proof', 'no_proof', ({ access }) => notes({ authorization: `DPoP ${access}` })],
      ['a refresh token with a proof of another key', 'wrong_key',
        ({ refresh: token }) => refresh(token, { dpop: thief.proof('POST', '/auth/refresh') })],
      ['a refresh token without a proof', 'no_proof', ({ refresh: token }) => refresh(token)],
      ['a logout by a refresh token without a proof', 'no_proof', ({ refresh: token }) =>
        t.http.post('/auth/logout', { json: { refresh_token: token }, headers: PROGRAM })],
    ])('is noted for %s', async (_title, reason, steal) => {
      const stolen = await phone();
      await steal(stolen);
      const at = t.clock.now();
      await eventually(() => expect(copied).toMatchObject([{ sessionId: stolen.id, userId: '1', at }]));
      expect(refusals()).toMatchObject([{ sessionId: stolen.id, reason, isCopy: true }]);
      expect(await rowOf(t, stolen.id)).toMatchObject({ boundRefusedAt: at });
      expect((await notes(device.headers('GET', '/notes', stolen.access))).status).toBe(200);
    }); // prettier-ignore

    it.each<[string, string, (own: Awaited<ReturnType<typeof phone>>) => Promise<unknown>]>([
      ['a request that a proxy sends twice', 'replayed', async ({ access }) => {
        const headers = device.headers('GET', '/notes', access);
        await notes(headers);
        await notes(headers);
      }],
      ['a device whose clock is wrong', 'bad_proof',
        ({ access }) => notes(device.headers('GET', '/notes', access, { iat: 1 }))],
      ['code of the host that says nothing of who asks', 'wrong_scheme',
        ({ access }) => t.tokens.authenticate(access).catch(() => undefined)],
    ])('is not noted for %s', async (_title, reason, ask) => {
      await ask(await phone());
      expect(refusals()).toMatchObject([{ reason, isCopy: false }]);
      nothingWasNoted();
    }); // prettier-ignore

    it('is not noted for whoever has no genuine token, even with the signing key', async () => {
      const { id, access, refresh: token } = await phone();
      await notes(thief.headers('GET', '/notes', forged(access)));
      await notes({ authorization: `Bearer ${forged(access)}` });
      await refresh(forged(token));
      await refresh(forged(token), { dpop: thief.proof('POST', '/auth/refresh') });
      await t.http.post('/auth/logout', { json: { refresh_token: forged(token) }, headers: PROGRAM });
      t.clock.advance('6m');
      await notes({ authorization: `Bearer ${access}` });
      await t.tokens.revoke(id);
      await refresh(token);
      expect(refusals().filter(({ isCopy }) => isCopy)).toEqual([]);
      nothingWasNoted();
    });

    it('makes the storage write once a minute, however often it is tried, and once more after that', async () => {
      const { id, access } = await phone();
      const steal = () => notes({ authorization: `Bearer ${access}` });
      const at = t.clock.now();
      for (let count = 0; count < 20; count++) await steal();
      await eventually(() => expect(copied).toHaveLength(1));
      t.clock.advance('59s');
      await steal();
      expect([noteCount(), refusals().length]).toEqual([1, 21]);
      expect(await rowOf(t, id)).toMatchObject({ boundRefusedAt: at });
      t.clock.advance('2s');
      await steal();
      await eventually(() => expect(copied).toHaveLength(2));
      expect(noteCount()).toBe(2);
      expect(await rowOf(t, id)).toMatchObject({ boundRefusedAt: at + 61_000 });
    });

    it('makes nobody wait, and fails no request, where the storage does not take the note', async () => {
      const { access } = await phone();
      control.intercept = (method, proceed) =>
        method === 'noteRefusal' ? Promise.reject(new Error('read-only')) : proceed();
      expect((await notes({ authorization: `Bearer ${access}` })).status).toBe(401);
      await eventually(() => expect(noteCount()).toBe(1));
      expect(copied).toEqual([]);
    });
  });

  describe('in a browser', () => {
    const steal = async (browser: DbscBrowser, cookies = browser.jar) => {
      const den = new DbscBrowser(t.http);
      for (const [name, value] of cookies) den.jar.set(name, value);
      const headers = { 'sec-secure-session-id': browser.bound.id };
      const asked = await den.post('/auth/dbsc/refresh', { headers });
      const proof = browser.proofFor(challengeIn(asked), { key: makeKey().privateKey });
      return den.post('/auth/dbsc/refresh', { headers: { ...headers, [PROOF]: proof } });
    };

    it('is noted for a proof by another key, and not for the cookies without one', async () => {
      const browser = await boundBrowser(t, 'alice');
      await browser.renew();
      const copy = new Map(browser.jar);
      const den = new BrowserLike(t.http);
      for (const [name, value] of copy) den.jar.set(name, value);
      // As a browser does that was told to ask again later.
      expect((await den.post('/auth/refresh')).body.code).toBe('binding_required');
      expect(refusals()).toMatchObject([{ reason: 'no_proof', isCopy: false }]);
      nothingWasNoted();
      expect((await steal(browser)).status).toBe(401);
      await eventually(() => expect(copied).toMatchObject([{ sessionId: browser.bound.id, userId: '1' }]));
      expect(await browser.renew()).toBe('renewed');
    });

    it('is not noted for a cookie that only the signing key has made', async () => {
      const browser = await boundBrowser(t, 'alice');
      const name = '__Host-knox-refresh';
      expect((await steal(browser, new Map([[name, forged(browser.jar.get(name)!)]]))).status).toBe(401);
      expect(refusals()).toMatchObject([{ reason: 'wrong_key', isCopy: false }]);
      nothingWasNoted();
    });
  });

  describe('on the page of devices', () => {
    const post = (browser: BrowserLike, fields: Record<string, string>) =>
      postForm(browser, '/auth/pages/devices', fields);
    const steal = async () => {
      const { id, access } = await phone();
      await notes({ authorization: `Bearer ${access}` });
      await eventually(() => expect(copied.some(({ sessionId }) => sessionId === id)).toBe(true));
      return id;
    };
    const refusedAt = (text: string) => /name="refused_at" value="(\d+)"/.exec(text)?.[1];

    it('shows that to its user, in their language, and in the administration, until the user has seen it', async () => {
      const [alice, root] = [await boundBrowser(t, 'alice'), await boundBrowser(t, 'root')];
      expect(textOf(await alice.visit('/auth/devices'))).not.toContain(REFUSED);
      const id = await steal();
      const shown = await alice.visit('/auth/devices');
      expect(textOf(shown)).toContain(REFUSED);
      expect(textOf(await alice.visit('/auth/devices', { 'accept-language': 'de' }))).toContain('Der Versuch wurde abgewiesen.');
      expect(textOf(await root.visit('/auth/devices'))).not.toContain(REFUSED);
      expect(textOf(await root.visit('/auth/admin/users?user_id=1'))).toContain(REFUSED);
      const { body } = await alice.get('/auth/sessions');
      const moments = Object.fromEntries(body.map((one: any) => [one.id, one.copy_refused_at]));
      expect(moments).toEqual({ [id]: new Date(t.clock.now()).toISOString(), [alice.bound.id]: null });
      const answer = await post(alice, { action: 'dismiss', id, refused_at: refusedAt(shown.text)! });
      expect(targetOf('/auth/pages/devices', answer)).toBe('/auth/devices');
      expect(textOf(await alice.visit('/auth/devices'))).not.toContain(REFUSED);
    }); // prettier-ignore

    it('says so again of what came after the moment that was seen, and to nobody else', async () => {
      const [alice, bob] = [await boundBrowser(t, 'alice'), await boundBrowser(t, 'bob')];
      const id = await steal();
      const seen = refusedAt((await alice.visit('/auth/devices')).text)!;
      await post(bob, { action: 'dismiss', id, refused_at: seen });
      await post(alice, { action: 'dismiss', id, refused_at: String(Number(seen) - 1) });
      expect((await rowOf(t, id))!.boundRefusedAt).toBe(Number(seen));
      for (const wrong of ['', 'now', '-1', '1e400', '1.5']) {
        expect((await post(alice, { action: 'dismiss', id, refused_at: wrong })).status, wrong).toBe(400);
      }
      expect((await post(alice, { action: 'dismiss', id: 'x', refused_at: seen })).status).toBe(303);
      expect((await rowOf(t, id))!.boundRefusedAt).toBe(Number(seen));
    });

    it('ends it from there, or all others', async () => {
      const alice = await boundBrowser(t, 'alice');
      const id = await steal();
      expect((await post(alice, { action: 'end', id })).status).toBe(303);
      expect(await rowOf(t, id)).toBeUndefined();
      const next = await steal();
      expect((await post(alice, { action: 'end-others' })).status).toBe(303);
      expect([await rowOf(t, next), (await alice.visit('/auth/devices')).status]).toEqual([undefined, 200]);
    });

    it('staff who act as the user see it, and cannot hide it', async () => {
      const id = await steal();
      const root = await t.users.findById('3');
      const acting = (await t.tokens.issue(root!)).session;
      const alice = (await t.users.findById('1'))!;
      const { accessToken: token } = await t.tokens.impersonate(acting, alice, { reason: 'Ticket 4711' });
      const page = await t.http.get('/auth/devices', { token });
      expect(textOf(page)).toContain(REFUSED);
      expect(page.text).not.toContain('value="dismiss"');
      const body = new URLSearchParams({ action: 'dismiss', id, refused_at: String(t.clock.now()) }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      expect((await t.http.post('/auth/pages/devices', { token, body, headers })).status).toBe(403);
      expect((await rowOf(t, id))!.boundRefusedAt).toBe(t.clock.now());
    });
  });
});
