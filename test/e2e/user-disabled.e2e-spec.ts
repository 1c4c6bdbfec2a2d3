import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IssuedTokens } from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

describe.each(environments)('a user who is disabled: $title', ({ platform, kind }) => {
  let t: TestApp;
  let user: User;
  let sessions: IssuedTokens<User>[];
  let count = 0;

  beforeAll(async () => {
    t = await createApp(platform, kind);
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    user = await t.users.add(`user${++count}`);
    sessions = [await t.tokens.issue(user), await t.tokens.issue(user)];
  });

  const setActive = (isActive: boolean) => t.users.rows.update({ id: user.id }, { isActive });
  const statuses = () => Promise.all(sessions.map(({ accessToken }) => t.statusOf(accessToken)));

  it('gets no session back when enabled again, nor one from a login that was under way', async () => {
    const other = await t.tokens.issue(await t.users.add(`other${count}`));
    const arrival = await t.tokens.arrival();
    await setActive(false);
    const actor = { userId: 'admin', sessionId: null };
    expect(await t.tokens.userDisabled(String(user.id), { actor })).toBe(2);
    const [told] = t.events.filter(({ name }) => name === 'session.revoked').slice(-1);
    expect(told!.event).toEqual({
      scope: { realm: '', userId: String(user.id) },
      userId: String(user.id),
      sessionId: null,
      count: 2,
      since: expect.any(Number),
      reason: 'user_disabled',
      actor,
    });
    await setActive(true);
    expect(await statuses()).toEqual([401, 401]);
    await expect(t.tokens.issue(user, {}, { arrival })).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(await t.tokens.list(String(user.id))).toEqual([]);
    expect(t.events.at(-1)).toMatchObject({ name: 'login.failed', event: { reason: 'fenced' } });
    expect(await t.statusOf((await t.tokens.issue(user)).accessToken)).toBe(204);
    expect(await t.statusOf(other.accessToken)).toBe(204);
  });

  it('control: without userDisabled the sessions are refused, and come back', async () => {
    const arrival = await t.tokens.arrival();
    await setActive(false);
    expect(await statuses()).toEqual([401, 401]);
    await setActive(true);
    expect(await statuses()).toEqual([204, 204]);
    await expect(t.tokens.issue(user, {}, { arrival })).resolves.toBeDefined();
  });
});
