import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IssuedTokens, SessionRepository } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, type Method } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

describe.each(environments)('what is under way when sessions end: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;
  let user: User;

  beforeEach(async () => {
    t = await createApp(platform, kind, {
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    user = await t.users.add('alice');
  });
  afterEach(async () => {
    control.heal();
    await t.close();
  });

  /** Does something before or after the next call of a method, and only that one. */
  function once(when: 'before' | 'after', method: Method, what: () => Promise<unknown>) {
    control.intercept = async (called, proceed) => {
      if (called !== method) return proceed();
      control.heal();
      if (when === 'before') await what();
      const answer = await proceed();
      if (when === 'after') await what();
      return answer;
    };
  }

  const isGood = async (tokens: IssuedTokens) => (await t.statusOf(tokens.accessToken)) === 204;

  describe('revokeBefore, where the moment is now', () => {
    it('ends a login that arrived before, and wrote its row before the fence was raised', async () => {
      const arrival = await t.tokens.arrival();
      let login!: IssuedTokens;
      once('before', 'raiseFence', async () => {
        t.clock.advance('1ms');
        login = await t.tokens.issue(user, {}, { arrival });
      });
      await t.tokens.revokeBefore(t.clock.now());
      expect(await isGood(login)).toBe(false);
    });

    it('ends sessions of a server whose clock is ahead', async () => {
      t.clock.advance('1h');
      const ahead = await t.tokens.issue(user);
      t.clock.advance('-1h');
      expect(await isGood(ahead)).toBe(true);
      expect(await t.tokens.revokeBefore(new Date(t.clock.now()))).toBe(1);
      expect(await isGood(ahead)).toBe(false);
    });

    it('spares what was made since, where the moment is past', async () => {
      const old = await t.tokens.issue(user);
      t.clock.advance('1m');
      const moment = t.clock.now();
      const recent = await t.tokens.issue(user);
      t.clock.advance('1m');
      expect(await t.tokens.revokeBefore(moment)).toBe(1);
      expect([await isGood(old), await isGood(recent)]).toEqual([false, true]);
    });
  });

  it('changeCredentials: a session that could not be given new keys does not come back with its old ones', async () => {
    const mine = await t.tokens.issue(user);
    const { session } = mine;
    const rows = t.app.get(SessionRepository);
    // As a login beyond the limit does that ends the oldest session, and is fenced then.
    once('after', 'deleteByUser', () => rows.vacate(session.id, null));
    expect(await t.tokens.changeCredentials(session, async () => undefined)).toBeNull();
    expect(await rows.reinstate(session.id, null, session.expiresAt)).toBe(false);
    expect(await t.statusOf(mine.accessToken)).toBe(401);
  });

  it.each(['1m', '1h', '30d'])('a clock that is set back by %s during a login refuses nobody', async (by) => {
    once('after', 'readCounter', async () => t.clock.advance(`-${by}`));
    const login = await t.login();
    expect(await t.statusOf(login.access_token)).toBe(204);
    const { authenticatedAt } = await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: login.session_id });
    expect(authenticatedAt).toBe(t.clock.now());
  });

  it('an arrival from a server whose clock is ahead counts, for a day', async () => {
    t.clock.advance('1h');
    const arrival = await t.tokens.arrival();
    t.clock.advance('-1h');
    const tokens = await t.tokens.issue(user, {}, { arrival });
    expect([await isGood(tokens), tokens.session.authenticatedAt]).toEqual([true, t.clock.now()]);
    t.clock.advance('-24h');
    await expect(t.tokens.issue(user, {}, { arrival })).rejects.toThrow(TypeError);
  });
});
