import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { notingLogger } from '../support/noting-logger';

const KEYS = { victim: 'victim-9b1deb4d3b7d', next: 'next-4bad9bdd2b0d', thief: 'thief-7bcb6d03e5c1' };
const VICTIM = { userAgent: 'Victim/1.0', ip: '127.0.0.1' };
const THIEF = { userAgent: 'Thief/6.6', ip: '127.0.0.1' };

describe.each(environments)('a refresh token that was used before: $title', ({ platform, kind }) => {
  let t: TestApp;
  let stolen: string;
  let name: string;
  let count = 0;
  const logged: unknown[] = [];

  beforeAll(async () => {
    t = await createApp(platform, kind, { logger: notingLogger((...line) => logged.push(line)) });
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    name = `alice${++count}`;
    await t.users.add(name);
    stolen = (await t.login(name, { 'user-agent': VICTIM.userAgent })).refresh_token;
    t.clock.advance('1m');
    t.events.length = 0;
    logged.length = 0;
  });

  const refresh = (by: typeof VICTIM, token: string, key?: string | string[]) =>
    t.http.post('/auth/refresh', {
      json: { refresh_token: token },
      headers: { 'user-agent': by.userAgent, ...(key !== undefined && { 'idempotency-key': key }) },
    });
  const codeOf = async (answer: ReturnType<typeof refresh>) => {
    const { status, body } = await answer;
    return status === 200 ? 'good' : body.code;
  };
  const events = (wanted: string) => t.events.filter((one) => one.name === wanted).map(({ event }) => event);
  const keyOf = (token: string) => claimsOf(token).token_key;
  const row = () => t.source.getRepository(JwtKnoxSession).findOneBy({ id: claimsOf(stolen).sid });

  describe('a thief who rotates just before the victim, and keeps still', () => {
    it.each([
      ['both send keys', KEYS.thief, KEYS.victim],
      ['only the victim sends keys', undefined, KEYS.victim],
      ['only the thief sends keys', KEYS.thief, undefined],
    ])("is found at the victim's refresh: %s", async (_title, thief, victim) => {
      const { access_token: taken } = (await refresh(THIEF, stolen, thief)).body;
      t.clock.advance('11s');
      expect(await codeOf(refresh(VICTIM, stolen, victim))).toBe('refresh_token_reused');
      expect(await t.statusOf(taken)).toBe(401);
      expect(events('refresh.reused')).toEqual([expect.objectContaining({ presenter: VICTIM })]);
      expect(await row()).toBeNull();
    });

    it('without keys is told of within the retry window, with both presenters and in the list, and found after it', async () => {
      await refresh(THIEF, stolen);
      t.clock.advance('4m');
      const { access_token: token, refresh_token: next } = (await refresh(VICTIM, stolen)).body;
      expect(events('refresh.retried')).toEqual([
        expect.objectContaining({ why: 'window', presenter: VICTIM, rotatedBy: THIEF }),
      ]);
      const [listed] = await t.tokens.list(claimsOf(token).sub);
      expect(listed).toMatchObject({ userAgent: VICTIM.userAgent, lastUserAgent: THIEF.userAgent });
      t.clock.advance('1m');
      await refresh(THIEF, next);
      t.clock.advance('5m');
      expect(await codeOf(refresh(VICTIM, next))).toBe('refresh_token_reused');
    });

    it('is found at once when he has used what he got', async () => {
      const { access_token: taken } = (await refresh(THIEF, stolen)).body;
      expect(await t.statusOf(taken)).toBe(204);
      await expect.poll(async () => (await row())!.lastUsedAt).toBeGreaterThan(t.clock.now());
      t.clock.advance('11s');
      expect(await codeOf(refresh(VICTIM, stolen))).toBe('refresh_token_reused');
    });
  });

  describe('an honest retry', () => {
    it('with the key of the attempt gets the same successor, however late, and used or not', async () => {
      const first = (await refresh(VICTIM, stolen, KEYS.victim)).body;
      expect(await t.statusOf(first.access_token)).toBe(204);
      t.clock.advance('20h');
      const again = await refresh(VICTIM, stolen, KEYS.victim);
      expect([again.status, keyOf(again.body.refresh_token)]).toEqual([200, keyOf(first.refresh_token)]);
      expect(events('refresh.retried')).toEqual([
        expect.objectContaining({ why: 'idempotency', presenter: VICTIM, rotatedBy: VICTIM }),
      ]);
      expect(await codeOf(refresh(VICTIM, again.body.refresh_token, KEYS.next))).toBe('good');
      t.clock.advance('11s');
      // Only the key of the last rotation counts.
      expect(await codeOf(refresh(VICTIM, stolen, KEYS.victim))).toBe('refresh_token_reused');
    });

    it('of a second tab, with a key of its own, is forgiven within the reuse interval, and told', async () => {
      const first = (await refresh(VICTIM, stolen, KEYS.victim)).body;
      const second = (await refresh(VICTIM, stolen, KEYS.next)).body;
      expect(keyOf(second.refresh_token)).toBe(keyOf(first.refresh_token));
      expect(events('refresh.retried').map(({ why }) => why)).toEqual(['interval']);
      expect(
        events('session.refreshed').map(({ decision, rotated, presenter }) => [decision, rotated, presenter]),
      ).toEqual([
        ['rotate', true, VICTIM],
        ['successor', false, VICTIM],
      ]);
    });

    it('control: the present token is no retry, and nothing is told of one', async () => {
      const { refresh_token: next } = (await refresh(VICTIM, stolen)).body;
      expect(await codeOf(refresh(VICTIM, next))).toBe('good');
      expect(events('refresh.retried')).toEqual([]);
      expect(events('session.refreshed').at(-1)).toMatchObject({ decision: 'same', rotated: false });
    });
  });

  describe('an Idempotency-Key', () => {
    it.each<[string, string | string[]]>([
      ['empty', ''],
      ['of 129 characters', 'k'.repeat(129)],
      ['with a tab', 'a\tb'],
      ['not in ASCII', 'cl\u00e9'],
      ['given twice', [KEYS.victim, KEYS.victim]],
      ['given twice, differently', [KEYS.victim, KEYS.thief]],
    ])('that is unfit is refused, not echoed, and rotates nothing: %s', async (_title, key) => {
      const answer = await refresh(VICTIM, stolen, key);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      for (const one of [key].flat().filter((part) => part !== '')) expect(answer.text).not.toContain(one);
      expect(await row()).toMatchObject({ generation: 0 });
      expect(await codeOf(refresh(VICTIM, stolen, 'k'.repeat(128)))).toBe('good');
    });

    it.each(['\0', '\x01', '\x7f'])(
      'with the control character %j is refused, and rotates nothing',
      async (character) => {
        const body = JSON.stringify({ refresh_token: stolen });
        const head = [
        'POST /auth/refresh HTTP/1.1', 'Host: localhost', 'Connection: close', 'Content-Type: application/json',
        `Content-Length: ${body.length}`, `Idempotency-Key: a${character}b`,
      ]; // prettier-ignore
        const socket = connect((t.app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
        socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
        expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
        expect(await row()).toMatchObject({ generation: 0 });
      },
    );

    it('S11: is nowhere to be found as it was sent: not in the database, in events or in logs', async () => {
      await refresh(VICTIM, stolen, KEYS.victim);
      expect((await row())!.rotationKeyDigest).toMatch(/^[0-9a-f]{64}$/);
      const tables = ['jwt_knox_sessions', 'jwt_knox_fences', 'users'];
      const stored = await Promise.all(tables.map((table) => t.source.query(`SELECT * FROM ${table}`)));
      await refresh(VICTIM, stolen, KEYS.victim);
      t.clock.advance('11s');
      await refresh(THIEF, stolen, KEYS.thief);
      expect(t.events.map((one) => one.name)).toContain('refresh.reused');
      expect(logged).not.toEqual([]);
      const seen = [stored, t.events, logged].map(
        (one) => inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one),
      );
      for (const key of [KEYS.victim, KEYS.thief]) {
        const spellings = (['hex', 'base64', 'base64url'] as const).map((to) => Buffer.from(key).toString(to));
        for (const spelling of [key, ...spellings]) expect(seen.join()).not.toContain(spelling);
      }
    });
  });
});

describe.each(environments)('the alarm of a replay: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      options: { session: { bindUserAgent: 'reject' } },
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
  });
  afterAll(() => t.close());

  const refresh = (token: string, userAgent: string) =>
    t.http.post('/auth/refresh', { json: { refresh_token: token }, headers: { 'user-agent': userAgent } });
  const row = (login: any) => t.source.getRepository(JwtKnoxSession).findOneBy({ id: login.session_id });

  it.each<[string, string, object]>([
    ['another user-agent', 'Thief', {}],
    ['an inactive user', 'Victim', { isActive: false }],
    ['an outdated user', 'Victim', { validSince: 4_000_000_000_000 }],
    ['all three', 'Thief', { isActive: false, validSince: 4_000_000_000_000 }],
  ])('comes before the refusal of %s', async (name, userAgent, change) => {
    const user = await t.users.add(name);
    const login = await t.login(name, { 'user-agent': 'Victim' });
    await refresh(login.refresh_token, 'Victim');
    t.clock.advance('6m');
    t.events.length = 0;
    if (Object.keys(change).length > 0) await t.users.rows.update(user.id, change);
    expect((await refresh(login.refresh_token, userAgent)).body.code).toBe('refresh_token_reused');
    expect(t.events.map((one) => one.name)).toEqual(['refresh.reused', 'session.revoked']);
    expect(await row(login)).toBeNull();
  });

  it('control: the present token from another user-agent is refused, and the session goes on', async () => {
    await t.users.add('control');
    const login = await t.login('control', { 'user-agent': 'Victim' });
    expect((await refresh(login.refresh_token, 'Thief')).body.code).toBe('invalid_refresh_token');
    expect((await refresh(login.refresh_token, 'Victim')).status).toBe(200);
  });

  it('is not lost in a burst: of 320 uses to be noted, each first use of a successor is', async () => {
    const user = await t.users.add('burst');
    const issue = () => t.tokens.issue(user);
    const others = await Promise.all(Array.from({ length: 300 }, issue));
    const victims = await Promise.all(Array.from({ length: 20 }, issue));
    t.clock.advance('2m');
    const successors = await Promise.all(victims.map((one) => t.tokens.refresh(one.refreshToken!)));
    const released = deferred();
    control.intercept = async (method, proceed) => {
      if (method === 'touch') await released.promise;
      return proceed();
    };
    await Promise.all([...others, ...successors].map((one) => t.tokens.authenticate(one.accessToken)));
    released.resolve();
    const noted = async () =>
      (await t.tokens.list(String(user.id), { limit: 400 })).filter((one) => one.lastUsedAt > t.clock.now());
    await expect.poll(async () => (await noted()).length).toBe(20);
    control.heal();
    t.clock.advance('11s');
    for (const { refreshToken } of victims) {
      await expect(t.tokens.refresh(refreshToken!)).rejects.toMatchObject({ code: 'refresh_token_reused' });
    }
  });
});
