import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxEvents, type JwtKnoxOptions } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

const V4 = '198.51.100.77';
const V6 = '2001:db8:1:2:3:4:5:6';

describe.each(environments)('what is kept of a device: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: User;

  async function start(options: JwtKnoxOptions = {}): Promise<void> {
    t = await createApp(platform, kind, { options });
    alice = await t.users.add('alice');
  }
  afterEach(() => t.close());

  const row = (id: string) => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id });

  describe('remember', () => {
    const json = { username: 'alice', password: 'alice-password' };
    const idle = 1_800_000;

    it('false ends a session that is not used for shortIdleTimeout, and each refresh begins that anew', async () => {
      await start();
      const login = (await t.http.post('/auth/login', { json: { ...json, remember: false } })).body;
      expect([login.refresh_expires_in, (await row(login.session_id)).expiresAt]).toEqual([
        1_800,
        t.clock.now() + idle,
      ]);
      t.clock.advance('20m');
      const next = (await t.http.post('/auth/refresh', { json: { refresh_token: login.refresh_token } })).body;
      expect(next.refresh_expires_in).toBe(1_800);
      t.clock.advance('30m');
      const late = await t.http.post('/auth/refresh', { json: { refresh_token: next.refresh_token } });
      expect([late.status, late.body.code]).toEqual([401, 'refresh_token_expired']);
    });

    it.each([{}, { remember: true }])('control: %j lives for idleTimeout', async (choice) => {
      await start();
      const { body } = await t.http.post('/auth/login', { json: { ...json, ...choice } });
      expect(body.refresh_expires_in).toBe(86_400);
    });

    it.each(['false', 0, []])('takes a boolean only: %j is refused', async (remember) => {
      await start();
      const { status, body } = await t.http.post('/auth/login', { json: { ...json, remember } });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
    });
  });

  describe('an address', () => {
    const kept = [
      ['full', V4, V6, '127.0.0.1'],
      ['prefix', '198.51.100.0/24', '2001:db8:1::/48', '127.0.0.0/24'],
      ['none', null, null, null],
    ] as const;

    it.each(kept)('%s: is kept no finer in rows, lists and events', async (ipAddress, v4, v6, local) => {
      await start({ session: { ipAddress } });
      const login = await t.tokens.issue(alice, { ip: V4 });
      expect((await row(login.session.id)).ipAddress).toBe(v4);
      t.clock.advance('1m');
      await t.tokens.refresh(login.refreshToken!, { ip: V6 });
      expect((await row(login.session.id)).lastIpAddress).toBe(v6);
      await t.tokens.refresh(login.refreshToken!, { ip: V4 });
      t.clock.advance('6m');
      await expect(t.tokens.refresh(login.refreshToken!, { ip: V4 })).rejects.toThrow();
      await expect(t.tokens.authenticate(login.accessToken, { ip: V6 })).rejects.toThrow();
      await t.login();
      await t.http.post('/auth/login', { json: { username: 'alice', password: 'wrong' } });
      const presenters = t.events.flatMap(({ name, event }) =>
        event.presenter ? [[name, event.presenter.ip, event.rotatedBy?.ip]] : [],
      );
      expect(presenters).toEqual([
        ['session.refreshed', v6, undefined],
        ['session.refreshed', v4, undefined],
        ['refresh.retried', v4, ipAddress === 'none' ? null : v6],
        ['refresh.reused', v4, undefined],
        ['authentication.rejected', v6, undefined],
        ['login.failed', local, undefined],
      ]);
      const dump = JSON.stringify([t.events, await t.source.query('SELECT * FROM jwt_knox_sessions')]);
      if (ipAddress !== 'full') for (const one of [V4, V6, '127.0.0.1']) expect(dump).not.toContain(one);
    });
  });

  it('isNewDevice is asked when the host asks: whether an earlier session had the same program, versions aside', async () => {
    await start();
    const answers: boolean[] = [];
    t.app.get(JwtKnoxEvents).on('session.created', async ({ isNewDevice }) => void answers.push(await isNewDevice()));
    const agent = (version: string, system = 'Windows NT 10.0') => `Mozilla/5.0 (${system}) Chrome/${version} Safari`;
    const devices = [agent('120.0.1'), agent('121.0'), agent('121.0', 'Macintosh'), agent('99'), undefined, undefined];
    for (const [index, userAgent] of devices.entries()) {
      await t.tokens.issue(alice, { userAgent });
      t.clock.advance('1s');
      await expect.poll(() => answers.length).toBe(index + 1);
    }
    expect(answers).toEqual([true, false, true, false, true, false]);
    const bob = await t.users.add('bob');
    await t.tokens.issue(bob, { userAgent: agent('120') });
    await expect.poll(() => answers.at(6)).toBe(true);
  });
});
