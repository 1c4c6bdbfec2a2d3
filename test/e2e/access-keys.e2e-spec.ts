import { createHash, createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { IssuedTokens, JwtKnoxOptions } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, SECRET, type TestApp } from '../support/create-app';
import { databaseKinds } from '../support/databases';
import { claimsOf } from '../support/decode';
import { forge, signerOf } from '../support/forge';
import { platforms } from '../support/platforms';
import type { User } from '../support/users';

const FAR = 4_000_000_000;
/** The same token with other claims, signed with the leaked key. */
const resigned = (token: string, payload: Record<string, unknown>) =>
  forge(token, signerOf('HS256', SECRET), { payload });

describe.each(databaseKinds)('access keys: %s', (kind) => {
  let t: TestApp;
  let alice: User;
  let first: IssuedTokens<User>;

  async function start(options: JwtKnoxOptions = {}): Promise<void> {
    t = await createApp(platforms[0]!, kind, { options });
    alice = await t.users.add('alice');
    first = await t.tokens.issue(alice);
  }
  afterEach(() => t.close());

  const row = () => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: first.session.id });
  /** The row but for its last use, which is noted behind the answers. */
  const decided = async () => ({ ...(await row()), lastUsedAt: null });
  const isGood = (token: string) =>
    t.tokens.authenticate(token).then(
      () => true,
      () => false,
    );
  /** A token is worth nothing at any door, and its refusal changes nothing. */
  async function expectWorthless(token: string): Promise<void> {
    const before = await decided();
    const { status, body } = await t.http.get('/notes', { token });
    expect([status, body.code]).toEqual([401, 'invalid_token']);
    expect((await t.http.post('/auth/logout', { token })).status).toBe(401);
    expect(await t.tokens.introspect(token)).toEqual({ active: false });
    expect(await decided()).toEqual(before);
  }

  describe('S2: the signing key and what was found in a log', () => {
    /** Refreshes every ten minutes for some hours; gives every token there was, the oldest first. */
    async function useFor(hours: number): Promise<IssuedTokens[]> {
      const all: IssuedTokens[] = [first];
      for (let minutes = 0; minutes < hours * 60; minutes += 10) {
        t.clock.advance('10m');
        all.push(await t.tokens.refresh(all.at(-1)!.refreshToken!));
      }
      return all;
    }

    it('S2: an expired access token of each age but the last two is worth nothing, signed anew', async () => {
      await start();
      const all = await useFor(3);
      for (const { accessToken } of all.slice(0, -2)) await expectWorthless(resigned(accessToken, { exp: FAR }));
      // The control, and what is left to a thief: the last key and the one before, until the next change.
      for (const { accessToken } of all.slice(-2)) {
        expect(await isGood(resigned(accessToken, { exp: FAR }))).toBe(true);
      }
    });

    it('S2: and so are the last two, when no living token can carry their key', async () => {
      await start();
      const all = await useFor(1);
      const end = (await row()).accessKeyAt! + 2 * (300_000 + 60_000);
      t.clock.set(end);
      expect(await isGood(resigned(all.at(-1)!.accessToken, { exp: FAR }))).toBe(true);
      t.clock.set(end + 1);
      for (const { accessToken } of all.slice(-2)) await expectWorthless(resigned(accessToken, { exp: FAR }));
      expect(await t.tokens.refresh(all.at(-1)!.refreshToken!)).toBeDefined();
    });

    it('S2: with rotate: false too', async () => {
      await start({ refreshToken: { rotate: false } });
      const all = await useFor(2);
      expect((await row()).generation).toBe(0);
      for (const { accessToken } of all.slice(0, -2)) await expectWorthless(resigned(accessToken, { exp: FAR }));
    });

    it('S2: a used-up refresh token makes no access token: its session key leads to none without the row', async () => {
      await start();
      const all = await useFor(2);
      const { session_key: key, token_key: used } = claimsOf(first.refreshToken!);
      const hmac = (text: string) =>
        createHmac('sha256', Buffer.from(key, 'base64url')).update(text).digest('base64url');
      const indexes = Array.from({ length: 20 }, (_, index) => `access${index}`);
      const candidates = [key, used, hmac('access'), ...indexes.map(hmac)];
      const { accessToken } = all.at(-1)!;
      for (const token_key of candidates) await expectWorthless(resigned(accessToken, { token_key, exp: FAR }));
    });

    it('S2: a used-up refresh token refreshes nothing: passed off as the present one it is refused, as itself it is a replay', async () => {
      await start();
      const all = await useFor(2);
      const { gen } = claimsOf(all.at(-1)!.refreshToken!);
      const refresh = (refresh_token: string) => t.http.post('/auth/refresh', { json: { refresh_token } });
      const before = await decided();
      for (const generation of [gen, gen + 1]) {
        const { status, body } = await refresh(resigned(first.refreshToken!, { exp: FAR, gen: generation }));
        expect([status, body.code]).toEqual([401, 'invalid_refresh_token']);
      }
      expect(await decided()).toEqual(before);
      expect((await refresh(resigned(first.refreshToken!, { exp: FAR }))).body.code).toBe('refresh_token_reused');
    });
  });

  describe('living access tokens', () => {
    const settings: [string, JwtKnoxOptions, number][] = [
      ['by default', {}, 0],
      ['with rotate: false', { refreshToken: { rotate: false } }, 0],
      ['with reuseInterval 0', { refreshToken: { reuseInterval: 0 } }, 0],
      ['with a clockTolerance of 2 minutes', { clockTolerance: '2m', storageTimeout: '2s' }, 120_000],
    ];

    it.each(settings)('stay good in every tab to their own exp, and no longer, %s', async (_title, options, late) => {
      await start(options);
      let newest = first;
      let previous = first;
      let given: string[] = [first.accessToken];
      for (let step = 0; step < 160; step++) {
        t.clock.advance(`${(step * 37) % 101}s`);
        const isDue = (token: string) => claimsOf(token).exp * 1_000 + late <= t.clock.now();
        for (const token of given) expect([step, await isGood(token)]).toEqual([step, !isDue(token)]);
        given = given.filter((token) => !isDue(token));
        [previous, newest] = [newest, await t.tokens.refresh(newest.refreshToken!)];
        given.push(newest.accessToken);
        // A second tab, beside the first: it has the same key in hand as that one had.
        if (step % 3 !== 0 || options.refreshToken) continue;
        const second = await t.tokens.refresh(previous.refreshToken!);
        given.push(second.accessToken);
      }
      expect((await row()).accessKeyIndex).toBeGreaterThan(10);
    });

    it('stay good when many tabs refresh in the moment in which the key changes, which it does once', async () => {
      await start({ refreshToken: { rotate: false } });
      t.clock.advance('6m');
      const refresh = () => t.http.post('/auth/refresh', { json: { refresh_token: first.refreshToken } });
      const answers = await Promise.all(Array.from({ length: 20 }, refresh));
      for (const { status, body } of answers) expect([status, await isGood(body.access_token)]).toEqual([200, true]);
      expect((await row()).accessKeyIndex).toBe(1);
    });

    it('carry one key for the life of the session in single-token mode', async () => {
      await start({ refreshToken: false });
      const before = await row();
      t.clock.advance('9h');
      expect(await isGood(first.accessToken)).toBe(true);
      const { accessDigest, accessKeyIndex } = await row();
      expect({ accessDigest, accessKeyIndex }).toEqual({ accessDigest: before.accessDigest, accessKeyIndex: 0 });
    });
  });

  it('a session of version 0.1 goes on after the migration, and its key changes at the first refresh', async () => {
    await start();
    const { session_key: key } = claimsOf(first.refreshToken!);
    const accessKey = createHmac('sha256', Buffer.from(key, 'base64url')).update('access').digest();
    const accessDigest = createHash('sha256').update(accessKey).digest('hex');
    const none = { accessSalt: null, accessKeyAt: null, accessKeyIndex: null, idleTimeout: null, maxExpiresAt: null };
    await t.source.getRepository(JwtKnoxSession).update(first.session.id, { ...none, accessDigest });
    const old = resigned(first.accessToken, { token_key: accessKey.toString('base64url') });
    expect(await isGood(old)).toBe(true);
    expect(await isGood(first.accessToken)).toBe(false);
    t.clock.advance('1m');
    const refreshed = await t.tokens.refresh(first.refreshToken!);
    expect(await row()).toMatchObject({ accessKeyIndex: 1, accessKeyAt: t.clock.now(), generation: 1 });
    expect([await isGood(refreshed.accessToken), await isGood(old)]).toEqual([true, true]);
    t.clock.advance('10m');
    const again = await t.tokens.refresh(refreshed.refreshToken!);
    expect(await isGood(again.accessToken)).toBe(true);
    await expectWorthless(resigned(old, { exp: FAR }));
  });
});
