import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { Controller, Get, Req, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxGuard } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import type { Answer } from '../support/http-client';
import { createApp, everyEnvironment, SECRET, type TestApp } from '../support/create-app';
import { type Changes, decode, forge, signerOf } from '../support/forge';
import type { User } from '../support/users';

/** A host's route that shows all it can know of the caller from user and session. */
@Controller('whoami')
@UseGuards(JwtKnoxGuard)
class WhoAmIController {
  @Get() whoAmI(@Req() request: any) {
    const { user, knox } = request;
    return { user, session: knox.session, isAdmin: user.isAdmin };
  }
}

interface Login {
  access: string;
  refresh: string;
  sid: string;
  userId: string;
}

const randomKey = () => randomBytes(32).toString('base64url');

describe.each(everyEnvironment)('what a thief gains: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: Login;
  /** The attacker's own sessions. */
  let mallory: Login;
  let malloryToo: Login;
  let count = 0;

  beforeAll(async () => {
    t = await createApp(platform, kind, { controllers: [WhoAmIController] });
  });
  afterAll(() => t?.close());
  beforeEach(async () => {
    count++;
    await t.source.getRepository(JwtKnoxSession).clear();
    await t.users.add(`alice${count}`);
    await t.users.add(`mallory${count}`);
    alice = await login(`alice${count}`);
    mallory = await login(`mallory${count}`);
    malloryToo = await login(`mallory${count}`);
  });

  async function login(name: string): Promise<Login> {
    const { access_token: access, refresh_token: refresh } = await t.login(name);
    const { sid, sub } = decode(access).payload as { sid: string; sub: string };
    return { access, refresh, sid, userId: sub };
  }

  /** The attacker's work: the token changed and signed with the leaked key. */
  const resigned = (token: string, changes: Changes = {}) => forge(token, signerOf('HS256', SECRET), changes);
  const claim = (token: string, name: string) => String(decode(token).payload[name]);
  const whoAmI = (token: string) => t.http.get('/whoami', { token });
  const refreshWith = (token: string) => t.http.post('/auth/refresh', { json: { refresh_token: token } });
  const logoutWith = (token: string) => t.http.post('/auth/logout', { json: { refresh_token: token } });
  const row = (sid: string) => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: sid });

  function expectRefused(answer: Answer, code: string, reason?: string): void {
    expect([answer.status, answer.body.code]).toEqual([401, code]);
    if (reason) {
      const rejections = t.events.filter(({ name }) => name === 'authentication.rejected');
      expect(rejections.at(-1)!.event.reason).toBe(reason);
    }
  }

  /** Whether the three sessions are all there and as they were at login. */
  async function expectAllUnharmed(): Promise<void> {
    for (const { access, userId } of [alice, mallory, malloryToo]) {
      expect((await whoAmI(access)).body.session).toMatchObject({ userId, generation: 0 });
    }
  }

  describe('S2: the signing key leaked', () => {
    it('control: what the leaked key signs anew, unchanged, is accepted, and refreshes', async () => {
      expect((await whoAmI(resigned(mallory.access))).body.session.id).toBe(mallory.sid);
      expect((await refreshWith(resigned(mallory.refresh))).status).toBe(200);
    });

    it('refuses every random token key, for any session', async () => {
      for (const { access } of [alice, mallory]) {
        for (let i = 0; i < 50; i++) {
          const token = resigned(access, { payload: { token_key: randomKey() } });
          expectRefused(await whoAmI(token), 'invalid_token', 'key_mismatch');
        }
      }
      await expectAllUnharmed();
    });

    it('refuses a session that the thief made up', async () => {
      const token = resigned(mallory.access, { payload: { sid: randomUUID(), sub: alice.userId } });
      expectRefused(await whoAmI(token), 'invalid_token', 'session_not_found');
    });

    it("refuses one's own session under another user's name", async () => {
      const token = resigned(mallory.access, { payload: { sub: alice.userId } });
      expectRefused(await whoAmI(token), 'invalid_token', 'user_mismatch');
    });

    it("refuses one's own session under another name, where the host gives no user provider too", async () => {
      const bare = await createApp(platform, kind, {
        controllers: [WhoAmIController],
        extras: { userProvider: undefined },
      });
      try {
        const { accessToken, refreshToken } = await bare.tokens.issue({ id: 7 } as User);
        const [access, refresh] = [accessToken, refreshToken!].map((token) =>
          resigned(token, { payload: { sub: '8' } }),
        );
        const answers = [
          await bare.http.get('/whoami', { token: access! }),
          await bare.http.post('/auth/refresh', { json: { refresh_token: refresh! } }),
          await bare.http.post('/auth/logout', { json: { refresh_token: refresh! } }),
        ];
        expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
        expect(bare.events.slice(-3).map(({ event }) => event.reason)).toEqual(Array(3).fill('user_mismatch'));
        expect((await bare.http.get('/whoami', { token: resigned(accessToken) })).body.user).toEqual({ id: '7' });
      } finally {
        await bare.close();
      }
    });

    it("refuses another user's session with one's own token key, under either name", async () => {
      for (const sub of [alice.userId, mallory.userId]) {
        const token = resigned(mallory.access, { payload: { sid: alice.sid, sub } });
        expectRefused(await whoAmI(token), 'invalid_token', 'key_mismatch');
      }
    });

    it("refuses the token key of one's other session", async () => {
      const token = resigned(mallory.access, { payload: { sid: malloryToo.sid } });
      expectRefused(await whoAmI(token), 'invalid_token', 'key_mismatch');
    });

    it("refuses the refresh token's keys in an access token", async () => {
      for (const name of ['token_key', 'session_key']) {
        const token = resigned(mallory.access, { payload: { token_key: claim(mallory.refresh, name) } });
        expectRefused(await whoAmI(token), 'invalid_token', 'key_mismatch');
      }
    });

    it("S5: refuses the access token's key in a refresh token, and changes nothing", async () => {
      const key = claim(mallory.access, 'token_key');
      const forgeries = [
        { token_key: key },
        { session_key: key },
        { token_key: key, session_key: key },
        { token_key: claim(mallory.refresh, 'session_key') },
        { session_key: claim(mallory.refresh, 'token_key') },
      ];
      for (const payload of forgeries) {
        expectRefused(
          await refreshWith(resigned(mallory.refresh, { payload })),
          'invalid_refresh_token',
          'key_mismatch',
        );
      }
      await expectAllUnharmed();
    });

    it('S5: refuses each kind of token in the place of the other, and under its type', async () => {
      const asAccess = { header: { typ: 'at+jwt' } };
      const asRefresh = { header: { typ: 'rt+jwt' } };
      expectRefused(await whoAmI(mallory.refresh), 'invalid_token', 'header');
      expectRefused(await whoAmI(resigned(mallory.refresh, asAccess)), 'invalid_token', 'key_mismatch');
      expectRefused(await refreshWith(mallory.access), 'invalid_refresh_token', 'header');
      expectRefused(await refreshWith(resigned(mallory.access, asRefresh)), 'invalid_refresh_token', 'claims');
      expectRefused(await logoutWith(mallory.access), 'invalid_refresh_token', 'header');
      expectRefused(await logoutWith(resigned(mallory.access, asRefresh)), 'invalid_refresh_token', 'claims');
      await expectAllUnharmed();
    });

    it("refuses to refresh or end another user's session, whatever is swapped", async () => {
      const swaps = [
        { sid: alice.sid },
        { sub: alice.userId },
        { sid: alice.sid, sub: alice.userId },
        { sid: alice.sid, sub: alice.userId, gen: 1 },
        { sid: alice.sid, sub: alice.userId, token_key: randomKey(), session_key: randomKey() },
        { sid: malloryToo.sid },
        { sid: randomUUID() },
      ];
      for (const payload of swaps) {
        expectRefused(await refreshWith(resigned(mallory.refresh, { payload })), 'invalid_refresh_token');
        expectRefused(await logoutWith(resigned(mallory.refresh, { payload })), 'invalid_refresh_token');
      }
      await expectAllUnharmed();
    });

    it("cannot pass for a replay and so end another user's session", async () => {
      const { refresh_token: next } = (await refreshWith(alice.refresh)).body;
      t.clock.advance('1m');
      const stale = { sid: alice.sid, sub: alice.userId, gen: 0 };
      expectRefused(await refreshWith(resigned(mallory.refresh, { payload: stale })), 'invalid_refresh_token');
      expect((await refreshWith(next)).status).toBe(200);
    });

    it("control: the same stale generation with the session's own keys is a replay, and ends it", async () => {
      const { access_token: used } = (await refreshWith(alice.refresh)).body;
      t.clock.advance('1m');
      expect((await whoAmI(used)).status).toBe(200);
      // The use is noted behind the answer; before that, the answer to the rotation may have been lost.
      await expect.poll(async () => (await row(alice.sid)).lastUsedAt).toBe(t.clock.now());
      expectRefused(await refreshWith(resigned(alice.refresh)), 'refresh_token_reused');
      expectRefused(await whoAmI(used), 'invalid_token', 'session_not_found');
    });

    it('gains no rights by adding claims: the host sees the same user and session as before', async () => {
      const honest = (await whoAmI(mallory.access)).body;
      const rights = {
        admin: true, isAdmin: true, is_superuser: true, role: 'admin', roles: ['admin'], scope: 'admin', permissions: ['*'], groups: ['root'],
        user: { id: Number(alice.userId), isAdmin: true }, id: alice.userId, userId: alice.userId, session: { userId: alice.userId }, amr: ['mfa'],
      }; // prettier-ignore
      const token = resigned(mallory.access, { payload: rights });
      expect(await whoAmI(token)).toMatchObject({ status: 200, body: honest });
      expect((await whoAmI(token)).body).toEqual(honest);
      const { sub } = decode(mallory.access).payload;
      const nested = `{"__proto__":{"isAdmin":true},${JSON.stringify(decode(token).payload).slice(1)}`;
      expect((await whoAmI(resigned(mallory.access, { payloadText: nested }))).body).toEqual(honest);
      expect([honest.isAdmin, String(honest.user.id)]).toEqual([false, sub]);
    });

    it('lives no longer by a later exp than its session does', async () => {
      const { expiresAt, accessKeyAt } = await row(mallory.sid);
      // Twice the lifetime of an access token and what clocks may differ by: none that is alive carries this key then.
      const keyEnd = accessKeyAt! + 2 * (300_000 + 60_000);
      const exp = Math.floor(t.clock.now() / 1_000) + 10 * 365 * 86_400;
      const [access, refresh] = [mallory.access, mallory.refresh].map((token) => resigned(token, { payload: { exp } }));
      const start = t.clock.now();
      try {
        t.clock.set(keyEnd);
        expect((await whoAmI(access!)).status).toBe(200);
        t.clock.set(keyEnd + 1);
        expectRefused(await whoAmI(access!), 'invalid_token', 'key_mismatch');
        t.clock.set(expiresAt);
        expectRefused(await whoAmI(access!), 'invalid_token', 'key_mismatch');
        expectRefused(await refreshWith(refresh!), 'refresh_token_expired', 'session_expired');
        expectRefused(await logoutWith(refresh!), 'refresh_token_expired', 'session_expired');
      } finally {
        t.clock.set(start);
      }
    });

    it('is none the wiser for another generation in an access token', async () => {
      const { access_token: newer } = (await refreshWith(mallory.refresh)).body;
      expect(claim(newer, 'gen')).toBe('1');
      for (const token of [
        mallory.access,
        newer,
        ...[0, 2, 2_147_483_647].map((gen) => resigned(newer, { payload: { gen } })),
      ]) {
        expect((await whoAmI(token)).body.session).toMatchObject({ id: mallory.sid, generation: 1 });
      }
    });

    it("ends with its session: logout ends every re-signed token of the thief's", async () => {
      const kept = resigned(mallory.access, { payload: { exp: Math.floor(t.clock.now() / 1_000) + 86_400 } });
      expect((await t.http.post('/auth/logout', { token: mallory.access })).status).toBe(204);
      expectRefused(await whoAmI(kept), 'invalid_token', 'session_not_found');
    });
  });

  describe('S3: write access to the database only', () => {
    const update = (sid: string, change: Partial<JwtKnoxSession>) =>
      t.source.getRepository(JwtKnoxSession).update(sid, change);

    it("refuses a row re-pointed to another user, at every route, and shows nothing of that user's", async () => {
      await update(mallory.sid, { userId: alice.userId });
      expectRefused(await whoAmI(mallory.access), 'invalid_token', 'user_mismatch');
      expectRefused(await t.http.get('/auth/sessions', { token: mallory.access }), 'invalid_token', 'user_mismatch');
      expectRefused(await refreshWith(mallory.refresh), 'invalid_refresh_token', 'user_mismatch');
      expectRefused(await logoutWith(mallory.refresh), 'invalid_refresh_token', 'user_mismatch');
      expect((await whoAmI(alice.access)).status).toBe(200);
    });

    it("refuses one's own digests copied into another user's row", async () => {
      const { accessDigest, refreshDigest } = await row(mallory.sid);
      await update(alice.sid, { accessDigest, refreshDigest });
      expect((await whoAmI(mallory.access)).body.session.userId).toBe(mallory.userId);
      expectRefused(await whoAmI(alice.access), 'invalid_token', 'key_mismatch');
      expectRefused(await refreshWith(alice.refresh), 'invalid_refresh_token', 'key_mismatch');
    });

    it("refuses another user's row that was given one's own session id and digests", async () => {
      const own = await row(mallory.sid);
      await t.source.getRepository(JwtKnoxSession).delete(mallory.sid);
      const { id, accessDigest, refreshDigest } = own;
      await update(alice.sid, { id, accessDigest, refreshDigest });
      expectRefused(await whoAmI(mallory.access), 'invalid_token', 'user_mismatch');
      expectRefused(await refreshWith(mallory.refresh), 'invalid_refresh_token', 'user_mismatch');
    });

    it('answers 401, not 500, when a digest was overwritten with other text', async () => {
      for (const digest of ['', 'x', 'z'.repeat(64), 'f'.repeat(64)]) {
        await update(alice.sid, { accessDigest: digest, refreshDigest: digest });
        expectRefused(await whoAmI(alice.access), 'invalid_token', 'key_mismatch');
        expectRefused(await refreshWith(alice.refresh), 'invalid_refresh_token', 'key_mismatch');
      }
    });

    it('lets no row speak without a signed token: what it can forge lacks the signing key', async () => {
      const key = randomBytes(32);
      await update(alice.sid, { accessDigest: createHash('sha256').update(key).digest('hex') });
      const payload = { token_key: key.toString('base64url'), sid: alice.sid, sub: alice.userId };
      const unsigned = forge(mallory.access, signerOf('HS256', 'not the key'), { payload });
      expectRefused(await whoAmI(unsigned), 'invalid_token', 'signature');
      expect((await whoAmI(resigned(mallory.access, { payload }))).body.session.userId, 'control: both locks').toBe(
        alice.userId,
      );
    });
  });

  describe('S1: a dump of the database', () => {
    /** Every text in the table of sessions. */
    async function dump(): Promise<{ text: string; values: Set<string> }> {
      const rows: Record<string, unknown>[] = await t.source.query('SELECT * FROM jwt_knox_sessions');
      expect(rows).toHaveLength(3);
      return {
        text: JSON.stringify(rows),
        values: new Set(
          rows.flatMap((one) => Object.values(one)).filter((value) => typeof value === 'string' && value !== ''),
        ) as Set<string>,
      };
    }

    it('holds no token, no part of one and no token key, in whatever spelling', async () => {
      const rotated = (await refreshWith(mallory.refresh)).body;
      const tokens = [alice, mallory, malloryToo].flatMap(({ access, refresh }) => [access, refresh]);
      tokens.push(rotated.access_token, rotated.refresh_token);
      const { text } = await dump();
      for (const token of tokens) {
        const { payload } = decode(token);
        for (const part of token.split('.')) expect(text).not.toContain(part);
        for (const key of [payload.token_key, payload.session_key].filter((one) => one !== undefined)) {
          const bytes = Buffer.from(String(key), 'base64url');
          for (const spelling of ['base64url', 'base64', 'hex'] as const) {
            expect(text.toLowerCase()).not.toContain(bytes.toString(spelling).toLowerCase());
          }
        }
      }
    });

    it('holds nothing that opens a session: no value of it is a token, a password or a refresh token', async () => {
      await refreshWith(mallory.refresh);
      const { values } = await dump();
      for (const value of values) {
        expect((await whoAmI(value)).status).toBe(401);
        expect((await refreshWith(value)).status).toBe(401);
        expect((await logoutWith(value)).status).toBe(401);
        const credentials = { username: `alice${count}`, password: value };
        expect((await t.http.post('/auth/login', { json: credentials })).status).toBe(401);
      }
    });

    it('holds no token key, even for who can sign: not one value of it fits a session', async () => {
      await refreshWith(mallory.refresh);
      const { values } = await dump();
      const candidates = [...values].flatMap((value) => [
        value,
        base64urlOf(Buffer.from(value, 'hex')),
        base64urlOf(createHash('sha256').update(value).digest()),
        base64urlOf(createHmac('sha256', Buffer.from(value, 'hex')).update('access').digest()),
      ]);
      expect(candidates.filter((key) => key.length === 43).length).toBeGreaterThan(20);
      for (const key of new Set(candidates)) {
        const answers = [alice, mallory].flatMap(({ access, refresh }) => [
          whoAmI(resigned(access, { payload: { token_key: key } })),
          refreshWith(resigned(refresh, { payload: { session_key: key } })),
          refreshWith(resigned(refresh, { payload: { token_key: key } })),
          refreshWith(resigned(refresh, { payload: { session_key: key, token_key: key } })),
        ]);
        for (const { status } of await Promise.all(answers)) expect(status).toBe(401);
      }
      expect((await whoAmI(alice.access)).status).toBe(200);
    });
  });
});

function base64urlOf(bytes: Buffer): string {
  return bytes.toString('base64url');
}
