import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JwtKnoxEvents } from '../../lib';
import { generateId } from '../../lib/tokens/token-key';
import type { LeaseCache } from '../../lib/cache/lease-cache';
import { SessionCache } from '../../lib/sessions/session-cache';
import type { VerifierApp } from '../support/create-verifier';
import { everyEnvironment, type TestApp } from '../support/create-app';
import { decode, flipped, forge, rightful } from '../support/forge';
import {
  type Change,
  createHearingService,
  createStreamingIssuer,
  listenTo,
  portOf,
  Relay,
} from '../support/revocations';
import { eventually } from '../support/eventually';

type Service = Awaited<ReturnType<typeof createHearingService>>;

let issuer: TestApp;
let relay: Relay;
let closing: (() => Promise<unknown>)[];

const signer = rightful.rsa;
const status = async (service: VerifierApp, token: string) => (await service.http.get('/notes', { token })).status;
/** Waits until a service says this of a token. */
const until = (service: VerifierApp, token: string, expected: number) =>
  eventually(async () => expect(await status(service, token)).toBe(expected));
const login = async (name = 'alice') => (await issuer.login(name)) as { access_token: string; session_id: string };

describe.each(everyEnvironment)('the revocation stream, on $title', ({ platform, kind }) => {
  beforeEach(async () => {
    issuer = await createStreamingIssuer(platform, kind);
    relay = await Relay.before(portOf(issuer));
    closing = [() => relay.close(), () => issuer.close()];
    await issuer.users.add('alice');
    await issuer.users.add('bob');
  });
  afterEach(async () => {
    for (const close of closing) await close();
  });

  const hearing = async (change: Parameters<typeof createHearingService>[2] = {}): Promise<Service> => {
    const service = await createHearingService(platform, { issuer, relay }, change);
    closing.unshift(() => service.close());
    await service.heard();
    return service;
  };

  describe('of an issuer', () => {
    it('answers with a signed snapshot of what has ended, for this question', async () => {
      const { session_id: sid } = await login();
      await issuer.tokens.revoke(sid);
      const nonce = generateId();
      const heard = await listenTo(issuer, { nonce });
      const { header, frame } = (await heard.next())!;
      expect(header).toEqual({ alg: 'RS256', typ: 'revocations+jwt', kid: 'rsa' });
      expect(frame).toMatchObject({ nonce, left: 0, seq: 0, aud: 'urn:jwt-knox:revocations' });
      expect(frame.ends).toEqual([{ sid, before: expect.any(Number) }]);
      heard.close();
    });

    it('tells of an end as it happens, and each second that nothing else did', async () => {
      const heard = await listenTo(issuer);
      await heard.next();
      const { session_id: sid } = await login();
      await issuer.tokens.revoke(sid);
      expect((await heard.next())!.frame).toMatchObject({ seq: 1, ends: [{ sid }] });
      const [one, two] = [(await heard.next())!.frame, (await heard.next())!.frame];
      expect([one.seq, two.seq, one.ends, two.ends]).toEqual([2, 3, [], []]);
      expect(two.now - one.now).toBeGreaterThan(500);
      heard.close();
    });

    it('tells several thousand ends in a snapshot of several frames', async () => {
      for (let count = 0; count < 1_200; count++) {
        issuer.app.get(JwtKnoxEvents).emit('session.announced', {
          scope: { sessionId: `session-${count}` },
          isEnd: true,
        });
      }
      const heard = await listenTo(issuer);
      const frames = [await heard.next(), await heard.next(), await heard.next()].map((one) => one!.frame);
      expect(frames.map(({ left, ends }) => [left, ends.length])).toEqual([[2, 500], [1, 500], [0, 200]]); // prettier-ignore
      heard.close();
    });

    it('lets in a client with the right alone, and one that draws a number for the connection', async () => {
      const refused = async (how: Parameters<typeof listenTo>[1]) => (await listenTo(issuer, how)).status;
      expect(await refused({ authorization: '' })).toBe(401);
      expect(await refused({ authorization: `Basic ${Buffer.from('orders:wrong').toString('base64')}` })).toBe(401);
      expect(await refused({ nonce: 'short' })).toBe(400);
      expect((await issuer.http.get('/auth/revocations')).body.error).toBe('invalid_client');
    });

    it('is kept by no cache', async () => {
      const heard = await listenTo(issuer);
      expect([heard.status, heard.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
      expect(heard.headers.get('cache-control')).toMatch(/no-store/);
      heard.close();
    });

    it('does not hold up the end of the application', async () => {
      const heard = await listenTo(issuer);
      await heard.next();
      await issuer.app.close();
      expect(await heard.next()).toBeUndefined();
    });
  });

  describe('in a service', () => {
    it('L5: refuses an ended session, and asks the issuer about none', async () => {
      const service = await hearing();
      const [one, other] = [await login(), await login('bob')];
      expect([await status(service, one.access_token), await status(service, other.access_token)]).toEqual([200, 200]);
      await issuer.http.post('/auth/logout', { token: one.access_token });
      await until(service, one.access_token, 401);
      expect(service.rejections.at(-1)).toMatchObject({ reason: 'not_active', sessionId: one.session_id });
      expect(await status(service, other.access_token)).toBe(200);
      expect(relay.introspections).toBe(0);
    });

    it('hears ends of users with the longest ids there can be, before it began and since', async () => {
      const end = (count: number) => {
        const scope = { realm: '', userId: `${count}`.padEnd(255, '語') };
        issuer.app.get(JwtKnoxEvents).emit('session.announced', { scope, isEnd: true });
      };
      for (let count = 0; count < 1_000; count++) end(count);
      const service = await hearing({ introspection: false });
      const connections = relay.connections;
      for (let count = 1_000; count < 2_000; count++) end(count);
      await vi.waitUntil(() => service.view.size === 2_000, { timeout: 5_000 });
      expect([service.view.isFresh, relay.connections]).toEqual([true, connections]);
    });

    it('L5: refuses what had ended before it began to hear', async () => {
      const { access_token: token } = await login();
      await issuer.http.post('/auth/logout', { token });
      const service = await hearing();
      expect(await status(service, token)).toBe(401);
      expect(relay.introspections).toBe(0);
    });

    it('L5: refuses the sessions of a user but one, and all of a user', async () => {
      const service = await hearing();
      const [one, two, bob] = [await login(), await login(), await login('bob')];
      issuer.clock.advance('20s');
      await issuer.http.post('/auth/logout-other', { token: one.access_token });
      await until(service, two.access_token, 401);
      expect(await status(service, one.access_token)).toBe(200);
      await issuer.http.post('/auth/logout-all', { token: one.access_token });
      await until(service, one.access_token, 401);
      expect(await status(service, bob.access_token)).toBe(200);
      expect(relay.introspections).toBe(0);
      issuer.clock.advance('20s');
      expect(await status(service, (await login()).access_token)).toBe(200);
      expect(relay.introspections).toBe(0);
    });

    it('L5: asks the issuer about a login right after the end of all sessions', async () => {
      const service = await hearing();
      const { access_token: before } = await login();
      await issuer.http.post('/auth/logout-all', { token: before });
      await until(service, before, 401);
      const { access_token: after } = await login();
      expect(await status(service, after)).toBe(200);
      expect(relay.introspections).toBeGreaterThan(0);
    });

    it('L5: refuses all that was created before a moment', async () => {
      const service = await hearing();
      const { access_token: token } = await login();
      issuer.clock.advance('20s');
      await issuer.tokens.revokeBefore(issuer.clock.now());
      await until(service, token, 401);
    });

    it('asks the issuer what a session may do whose rights were narrowed', async () => {
      const service = await hearing();
      const { access_token: token, session_id: sid } = await login();
      expect(await status(service, token)).toBe(200);
      expect(relay.introspections).toBe(0);
      await issuer.tokens.narrow(sid, ['read']);
      await eventually(async () => {
        expect(await status(service, token)).toBe(200);
        expect(relay.introspections).toBeGreaterThan(0);
      });
    });

    it('L5: takes no token of before new keys of its session', async () => {
      const service = await hearing({ introspection: false });
      const { access_token: token, session_id: id } = await login();
      expect(await status(service, token)).toBe(200);
      await issuer.tokens.reauthenticate({ id, userId: '1' });
      expect((await issuer.http.get('/notes', { token })).status).toBe(401);
      await until(service, token, 401);
    });

    it('asks the issuer about a token that is older than what is known', async () => {
      issuer.clock.advance('-30s');
      const { access_token: token } = await login();
      const service = await hearing();
      expect(await status(service, token)).toBe(200);
      expect(relay.introspections).toBe(1);
      await issuer.http.post('/auth/logout', { token });
      await until(service, token, 401);
    });

    it('asks the issuer about staff who act as a user, whose own session the token does not name', async () => {
      const service = await hearing();
      await issuer.users.add('staff');
      const staff = await login('staff');
      const { session: actor } = await issuer.tokens.authenticate(staff.access_token);
      const alice = await login();
      const { user } = await issuer.tokens.authenticate(alice.access_token);
      const acting = await issuer.tokens.impersonate(actor, user, { reason: 'a question' });
      expect(await status(service, acting.accessToken)).toBe(200);
      expect(relay.introspections).toBe(1);
      await issuer.tokens.revoke(actor.id);
      expect(await status(service, acting.accessToken)).toBe(401);
    });

    const resigned = (changes: object) => (event: string) => forge(event, signer, { payload: { ...changes } });
    let kept: string[] = [];
    const DISHONEST: Record<string, Change> = {
      'a forged signature': (event) => forge(event, flipped(signer)),
      'no signature': (event) => event.slice(0, event.lastIndexOf('.') + 1),
      'another audience': resigned({ aud: 'orders' }),
      'another issuer': resigned({ iss: 'https://elsewhere.example.com' }),
      'another realm': resigned({ realm: 'staff' }),
      'another stream': resigned({ stream_id: 'another' }),
      'time that goes back': resigned({ now: 1 }),
      'an access token': (event) => forge(event, signer, { header: { typ: 'at+jwt' } }),
      'a frame left out': (event, count) => (count === 1 ? [] : event),
      'a frame sent twice': (event) => [event, event],
      'frames in another order': (event) => (kept.length === 0 ? ((kept = [event]), []) : [event, ...kept]),
      'the snapshot once more': (event) => [relay.frames[0]!, event],
    };
    // The snapshot has arrived as it is, but for what these do to it.
    it.each(Object.entries(DISHONEST))('L5: trusts the stream no more after %s', async (_, change) => {
      const service = await hearing({ introspection: false });
      const { access_token: token } = await login();
      expect(await status(service, token)).toBe(200);
      kept = [];
      let count = 0;
      const connections = relay.connections;
      relay.change = (event) => change(event, ++count);
      await until(service, token, 503);
      expect(relay.connections).toBeGreaterThanOrEqual(connections);
      relay.change = undefined;
      await service.heard();
      expect(await status(service, token)).toBe(200);
    });

    it('L5: takes no snapshot that answers another question', async () => {
      const recorded = await listenTo(issuer);
      const { raw } = (await recorded.next())!;
      recorded.close();
      relay.change = () => raw;
      const service = await createHearingService(platform, { issuer, relay }, { introspection: false });
      closing.unshift(() => service.close());
      await vi.waitUntil(() => relay.connections > 1, { timeout: 5_000 });
      expect(service.view.isFresh).toBe(false);
      relay.change = undefined;
      await service.heard();
    });

    it('L5: a relay that holds frames back is noticed within two seconds, however it goes on', async () => {
      const service = await hearing({ introspection: false });
      const { access_token: token } = await login();
      const began = performance.now();
      relay.change = () => [];
      await until(service, token, 503);
      expect(performance.now() - began).toBeLessThan(3_500);
    });

    const SILENT = [
      { onSilence: 'introspect' as const, alive: 200, ended: 401 },
      { onSilence: 'refuse' as const, alive: 503, ended: 503 },
      { onSilence: 'accept-until-exp' as const, alive: 200, ended: 200 },
    ];
    it.each(SILENT)('L5: with $onSilence, says what it was told to while nothing is heard', async (expected) => {
      const { onSilence, alive, ended } = expected;
      const service = await hearing({ revocations: { onSilence } });
      const [one, two, known] = [await login(), await login('bob'), await login()];
      await issuer.http.post('/auth/logout', { token: known.access_token });
      await until(service, known.access_token, 401);
      relay.change = () => [];
      await vi.waitUntil(() => !service.view.isFresh, { timeout: 5_000 });
      await issuer.http.post('/auth/logout', { token: two.access_token });
      expect(await status(service, one.access_token)).toBe(alive);
      expect(await status(service, two.access_token)).toBe(ended);
      // What was known to have ended stays so.
      expect(await status(service, known.access_token)).toBe(401);
    });

    it('L5: an issuer that is killed is heard no more, and another process of it begins anew', async () => {
      const service = await hearing({ introspection: false });
      const { access_token: token } = await login();
      expect(await status(service, token)).toBe(200);
      const next = await createStreamingIssuer(platform, kind);
      closing.push(() => next.close());
      next.clock.set(issuer.clock.now());
      issuer.app.getHttpServer().closeAllConnections();
      relay.turnTo(1);
      await until(service, token, 503);
      relay.turnTo(portOf(next));
      await service.heard();
      expect(await status(service, token)).toBe(200);
      expect(decode(relay.frames.at(-1)!).payload.stream_id).not.toBe(decode(relay.frames[0]!).payload.stream_id);
    });

    it('L5: refuses what is known to have ended by another process, too, which was not there then', async () => {
      const service = await hearing({ revocations: { onSilence: 'accept-until-exp' } });
      const [ended, alive] = [await login(), await login()];
      await issuer.http.post('/auth/logout', { token: ended.access_token });
      await until(service, ended.access_token, 401);
      const next = await createStreamingIssuer(platform, kind);
      closing.push(() => next.close());
      next.clock.set(issuer.clock.now() + 20_000);
      (next.app.get(SessionCache) as LeaseCache).interrupted();
      relay.turnTo(portOf(next));
      const streams = () => relay.frames.map((raw) => decode(raw).payload.stream_id);
      await vi.waitUntil(() => new Set(streams()).size > 1 && service.view.isFresh, { timeout: 10_000 });
      expect(await status(service, alive.access_token)).toBe(200);
      expect(await status(service, ended.access_token)).toBe(401);
    });

    it('comes back as soon as ever when the issuer begins anew, and more slowly while it does so again and again', async () => {
      const service = await hearing();
      const { stream } = (service.verifier as any).parts.revocations;
      const beginAnew = async () => {
        const { connections } = relay;
        (issuer.app.get(SessionCache) as LeaseCache).interrupted();
        await vi.waitUntil(() => relay.connections > connections, { timeout: 10_000 });
        await vi.waitUntil(() => stream.view.position.gathered === null, { timeout: 10_000 });
      };
      for (let count = 0; count < 4; count++) await beginAnew();
      expect(stream.wait).toBeGreaterThan(400);
      await vi.waitUntil(() => stream.wait === 100, { timeout: 20_000 });
      await new Promise((lasted) => setTimeout(lasted, 5_000));
      await beginAnew();
      // Sooner than after a failure.
      await vi.waitUntil(() => stream.wait === 100, { timeout: 4_000 });
    });

    it('L5: goes on without a gap when a connection is lost and made again', async () => {
      const service = await hearing({ introspection: false });
      const { access_token: token } = await login();
      const connections = relay.connections;
      relay.cut();
      await vi.waitUntil(() => relay.connections > connections, { timeout: 5_000 });
      expect(await status(service, token)).toBe(200);
      await issuer.http.post('/auth/logout', { token });
      await until(service, token, 401);
    });
  });
});
