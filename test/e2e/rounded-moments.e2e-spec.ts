import { describe, expect, it } from 'vitest';
import { createApp, environments, type TestApp } from '../support/create-app';
import { isAuthentic } from '../support/use-app';
import type { User } from '../support/users';

/** What a column of whole seconds makes of a moment, such as MySQL's DATETIME, which rounds half up. */
const roundedUp = (moment: number) => Math.ceil(moment / 1_000) * 1_000;

describe.each(environments)('a validSince that the database rounds up: $title', ({ platform, kind }) => {
  const withUser = async (run: (t: TestApp, user: User) => Promise<void>) => {
    const t = await createApp(platform, kind);
    try {
      await run(t, await t.users.add('alice'));
    } finally {
      await t.close();
    }
  };
  const changePassword = (t: TestApp, { id }: User) =>
    t.users.rows.update({ id }, { validSince: roundedUp(t.clock.now()) } as object);

  it('lets the session in that changed the password, at once and after a refresh', async () => {
    await withUser(async (t, user) => {
      t.clock.set(roundedUp(t.clock.now()) + 100);
      const { session } = await t.tokens.issue(user);
      const other = await t.tokens.issue(user);
      const store = async () => void (await changePassword(t, user));
      const changed = (await t.tokens.changeCredentials(session, store))!;
      expect(await isAuthentic(t, changed.accessToken)).toBe(true);
      expect(changed.session.authenticatedAt).toBe(roundedUp(t.clock.now()));
      expect(await isAuthentic(t, other.accessToken)).toBe(false);
      t.clock.advance('3m');
      const { accessToken } = await t.tokens.refresh(changed.refreshToken!);
      expect(await isAuthentic(t, accessToken)).toBe(true);
    });
  });

  it('lets a session in whose user proved their password again at once', async () => {
    await withUser(async (t, user) => {
      t.clock.set(roundedUp(t.clock.now()) + 100);
      const { session } = await t.tokens.issue(user);
      await changePassword(t, user);
      const { accessToken } = await t.tokens.reauthenticate(session);
      expect(await isAuthentic(t, accessToken)).toBe(true);
    });
  });
});
