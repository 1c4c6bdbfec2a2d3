import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type IssuedTokens, type JwtKnoxOptions, type RevocationScope, SessionAdminService,
} from '../../lib'; // prettier-ignore
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { clients, GATEWAY, ISSUER, postForm } from '../support/oauth';
import type { User } from '../support/users';

interface Situation {
  t: TestApp;
  user: User;
  userId: string;
  /** The session that the end is about, and another one of the same user. */
  mine: IssuedTokens<User>;
  other: IssuedTokens<User>;
  /** The access token of an admin. */
  admin: string;
}
type Told = [scope: RevocationScope, reason: string, count: number];
interface Way {
  way: string;
  end: (situation: Situation) => Promise<unknown>;
  told: (situation: Situation) => Told[];
}

const one = ({ session }: IssuedTokens, reason: string): Told => [{ sessionId: session.id }, reason, 1];
const all = (userId: string, reason: string, count = 2): Told => [{ realm: '', userId }, reason, count];
const others = (userId: string, except: IssuedTokens, reason: string): Told => [
  { realm: '', userId, except: except.session.id }, reason, 1,
]; // prettier-ignore
const ofPeople = ([scope, ...rest]: Told): Told => [
  { ...scope, kinds: ['login', 'impersonation'] } as RevocationScope,
  ...rest,
];
/** What a situation makes by itself. */
const ended = new WeakMap<IssuedTokens, IssuedTokens>();
const deadlineOf = ({ clock }: TestApp) => clock.now() - 10_000;

/**
 * Every way in which a session can end, and how that is announced. One is missing, which nobody can announce: the
 * database deletes the row itself, by a cascade or by hand (custom-entity.e2e-spec.ts).
 */
const WAYS: Way[] = [
  {
    way: 'logout by access token',
    end: ({ t, mine }) => t.http.post('/auth/logout', { token: mine.accessToken }),
    told: ({ mine }) => [one(mine, 'logout')],
  },
  {
    way: 'logout by refresh token',
    end: ({ t, mine }) => t.http.post('/auth/logout', { json: { refresh_token: mine.refreshToken } }),
    told: ({ mine }) => [one(mine, 'logout')],
  },
  {
    way: 'one session of the list',
    end: ({ t, mine, other }) => t.http.delete(`/auth/sessions/${other.session.id}`, { token: mine.accessToken }),
    told: ({ other }) => [one(other, 'logout')],
  },
  {
    way: 'logout-other',
    end: ({ t, mine }) => t.http.post('/auth/logout-other', { token: mine.accessToken }),
    told: ({ userId, mine }) => [ofPeople(others(userId, mine, 'logout_other'))],
  },
  {
    way: 'logout-all',
    end: ({ t, mine }) => t.http.post('/auth/logout-all', { token: mine.accessToken }),
    told: ({ userId }) => [all(userId, 'logout_all')],
  },
  {
    way: 'an admin who ends the sessions of a user',
    end: ({ t, userId, admin }) => t.http.delete(`/auth/admin/users/${userId}/sessions`, { token: admin }),
    told: ({ userId }) => [all(userId, 'admin')],
  },
  {
    way: 'SessionAdminService.revokeAll',
    end: ({ t, userId }) => t.app.get(SessionAdminService).revokeAll(userId),
    told: ({ userId }) => [all(userId, 'admin')],
  },
  {
    way: 'TokenService.revoke',
    end: ({ t, mine, userId }) => t.tokens.revoke(mine.session.id, { userId }),
    told: ({ mine }) => [one(mine, 'revoked')],
  },
  {
    way: 'TokenService.revokeOther',
    end: ({ t, mine }) => t.tokens.revokeOther(mine.session),
    told: ({ userId, mine }) => [ofPeople(others(userId, mine, 'logout_other'))],
  },
  {
    way: 'changeCredentials in a session, but for tokens for programs',
    end: ({ t, mine }) => t.tokens.changeCredentials(mine.session, () => undefined, { programs: false }),
    told: ({ userId, mine }) => [ofPeople(others(userId, mine, 'credentials_changed'))],
  },
  {
    way: 'DELETE tokens/:id',
    end: async ({ t, user, mine }) => {
      const program = await t.tokens.issueProgramToken(user, { name: 'CI', scopes: ['a'] });
      ended.set(mine, program);
      return t.http.delete(`/auth/tokens/${program.session.id}`, { token: mine.accessToken });
    },
    told: ({ mine }) => [one(ended.get(mine)!, 'revoked')],
  },
  {
    way: 'TokenService.revokeAll',
    end: ({ t, userId }) => t.tokens.revokeAll(userId),
    told: ({ userId }) => [all(userId, 'logout_all')],
  },
  {
    way: 'TokenService.userDisabled',
    end: ({ t, userId }) => t.tokens.userDisabled(userId),
    told: ({ userId }) => [all(userId, 'user_disabled')],
  },
  {
    way: 'TokenService.revokeBefore',
    end: ({ t }) => t.tokens.revokeBefore(deadlineOf(t)),
    // The two of the user, and the one of the admin.
    told: ({ t }) => [[{ realm: '', createdBefore: deadlineOf(t) }, 'revoked_before', 3]],
  },
  {
    way: 'changeCredentials in a session',
    end: ({ t, mine }) => t.tokens.changeCredentials(mine.session, () => undefined),
    told: ({ userId, mine }) => [others(userId, mine, 'credentials_changed')],
  },
  {
    way: 'changeCredentials in a session that may not have new keys',
    end: ({ t, user, mine }) =>
      t.tokens.changeCredentials(
        mine.session,
        async () => void (await t.users.rows.update(user.id, { isActive: false })),
      ),
    told: ({ userId, mine }) => [others(userId, mine, 'credentials_changed'), one(mine, 'credentials_changed')],
  },
  {
    way: 'changeCredentials of a user, for a forgotten password',
    end: ({ t, userId }) => t.tokens.changeCredentials({ userId }, () => undefined),
    told: ({ userId }) => [all(userId, 'credentials_changed')],
  },
  {
    way: 'reauthenticate, which ends none',
    end: ({ t, mine }) => t.tokens.reauthenticate(mine.session),
    told: () => [],
  },
  {
    way: 'a refresh token that is replayed',
    end: async ({ t, mine }) => {
      const next = await t.tokens.refresh(mine.refreshToken!);
      t.clock.advance('1h');
      await t.tokens.refresh(next.refreshToken!);
      await t.http.post('/auth/refresh', { json: { refresh_token: mine.refreshToken } });
    },
    told: ({ mine }) => [one(mine, 'reused')],
  },
  {
    way: 'a refresh of an inactive user',
    end: async ({ t, user, mine }) => {
      await t.users.rows.update(user.id, { isActive: false });
      await t.http.post('/auth/refresh', { json: { refresh_token: mine.refreshToken } });
    },
    told: ({ mine }) => [one(mine, 'user_inactive')],
  },
  ...(['accessToken', 'refreshToken'] as const).map((name): Way => ({
    way: `RFC 7009 by ${name}`,
    end: ({ t, mine }) => postForm(t.http, '/auth/revoke', { token: mine[name]! }, { authorization: GATEWAY }),
    told: ({ mine }) => [one(mine, 'revoked')],
  })),
  {
    way: 'the limit: the oldest makes room',
    end: ({ t, user }) => t.tokens.issue(user),
    told: ({ mine }) => [one(mine, 'evicted')],
  },
  {
    way: 'the limit: a login finds more sessions than it allows',
    end: async ({ t, user, other }) => {
      await addSurplus(t, other);
      await t.tokens.issue(user);
    },
    told: ({ mine }) => [one(mine, 'evicted'), [{ sessionId: SURPLUS }, 'evicted', 1]],
  },
  {
    way: 'the limit: a purge finds more sessions than it allows',
    end: async ({ t, other }) => {
      await addSurplus(t, other);
      await t.app.get(SessionAdminService).purgeExpired();
    },
    told: () => [[{ sessionId: SURPLUS }, 'evicted', 1]],
  },
  {
    way: 'a purge of what has expired, which sessions.purged tells of',
    end: async ({ t }) => {
      t.clock.advance('400d');
      await t.app.get(SessionAdminService).purgeExpired();
      expect(t.events.map(({ name, event }) => [name, event])).toEqual([['sessions.purged', { count: 3 }]]);
    },
    told: () => [],
  },
  {
    way: 'an end that finds nothing',
    end: async ({ t, mine, userId }) => {
      await t.tokens.revokeAll(userId);
      t.events.length = 0;
      await t.tokens.revokeAll(userId);
      await t.tokens.revoke(mine.session.id);
      await t.http.post('/auth/logout', { token: mine.accessToken });
    },
    told: () => [],
  },
];

const SURPLUS = '00000000-0000-4000-8000-000000000001';

/** A session of the same user from before the limit. */
async function addSurplus(t: TestApp, { session }: IssuedTokens): Promise<void> {
  const rows = t.source.getRepository(JwtKnoxSession);
  const row = await rows.findOneByOrFail({ id: session.id });
  await rows.insert({ ...row, id: SURPLUS, slot: null, createdAt: row.createdAt - 60_000 });
}

describe.each(environments)('the end of a session is announced: $title', ({ platform, kind }) => {
  const options: JwtKnoxOptions = {
    issuer: ISSUER,
    clients,
    session: { limitPerUser: 2, onLimit: 'evict-oldest' },
  };
  let t: TestApp;
  beforeEach(async () => {
    t = await createApp(platform, kind, { options, extras: { routes: { oauth: true, admin: true, tokens: true } } });
  });
  afterEach(() => t.close());

  it.each(WAYS)('once each: $way', async ({ end, told }) => {
    const user = await t.users.add('alice');
    await t.users.add('root', { isAdmin: true });
    const mine = await t.tokens.issue(user);
    t.clock.advance('1s');
    const other = await t.tokens.issue(user);
    const admin: string = (await t.login('root')).access_token;
    t.clock.advance('1m');
    t.events.length = 0;
    const situation = { t, user, userId: String(user.id), mine, other, admin };
    await end(situation);
    const announced = () =>
      t.events
        .filter(({ name }) => name === 'session.revoked')
        .map(({ event }) => [event.scope, event.reason, event.count]);
    const expected = told(situation);
    // What makes room under the limit is deleted beside the answer.
    await expect.poll(() => announced().length).toBe(expected.length);
    const inOrder = (list: unknown[]) => list.map((entry) => JSON.stringify(entry)).toSorted();
    expect(inOrder(announced())).toEqual(inOrder(expected));
  });
});

describe('the announcement', () => {
  it('is made in one place, and passed on in another to listeners of other processes', () => {
    const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const emitting = files.filter((name) =>
      /emit\(\s*'session\.revoked'/.test(readFileSync(join('lib', name), 'utf8')),
    );
    expect(emitting.toSorted()).toEqual([join('cache', 'cluster-events.ts'), join('sessions', 'session-revoker.ts')]);
  });
});
