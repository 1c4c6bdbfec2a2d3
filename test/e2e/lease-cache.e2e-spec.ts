import { Controller, Get, UseGuards } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authoritative, CurrentUser, JwtKnoxGuard } from '../../lib';
import { leaseCache, type LeaseCacheOptions, localFeed } from '../../lib/cache';
import { SessionCache } from '../../lib/sessions/session-cache';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { createSharedDatabase } from '../support/databases';
import type { User } from '../support/users';

@Controller('money')
@UseGuards(JwtKnoxGuard)
class MoneyController {
  @Get() @Authoritative() pay(@CurrentUser() user: User) {
    return { type: user.constructor.name };
  }
  @Get('type') type(@CurrentUser() user: User) {
    return { type: user.constructor.name, isFrozen: Object.isFrozen(user) };
  }
}

describe.each(environments)('the lease cache within one process, on $title', ({ platform, kind }) => {
  let app: TestApp;
  const start = async (options: Partial<LeaseCacheOptions> = {}) => {
    app = await createApp(platform, kind, {
      extras: { features: [leaseCache({ feed: localFeed(), ...options })], routes: { admin: true, tokens: true } },
      controllers: [NotesController, MoneyController],
    });
    await app.users.add('alice');
  };
  const notes = (token: string) => app.http.get('/notes', { token });
  /** The statements of what is done, but for the note of a use. */
  const statementsOf = async (work: () => Promise<unknown>) => {
    app.statements.length = 0;
    await work();
    return app.statements.filter((sql) => !/^UPDATE/i.test(sql)).length;
  };

  /** Every request is counted once. */
  const countsAsAnswered = async () => {
    const cache = app.app.get(SessionCache, { strict: false });
    const counted = async (work: () => Promise<unknown>) => {
      const { hits, misses } = cache.state;
      await work();
      const now = cache.state;
      return { hits: now.hits - hits, misses: now.misses - misses };
    };
    const { access_token: token } = await app.login();
    expect(await counted(() => notes(token))).toEqual({ hits: 0, misses: 1 });
    expect(await counted(() => notes(token))).toEqual({ hits: 1, misses: 0 });
    expect(await counted(() => app.http.get('/money', { token }))).toEqual({ hits: 0, misses: 0 });
  };

  afterEach(() => app.close());

  describe('with users', () => {
    beforeEach(() => start({ users: { announcedBy: 'application' } }));

    it('answers from memory: the second request sends no statement', async () => {
      const { access_token: token } = await app.login();
      expect((await notes(token)).status).toBe(200);
      expect(await statementsOf(async () => expect((await notes(token)).body.username).toBe('alice'))).toBe(0);
    });

    it('counts what memory answered and what it did not', countsAsAnswered);

    it('L1: a logout counts at once, for the request after it', async () => {
      const { access_token: token } = await app.login();
      await notes(token);
      expect((await app.http.post('/auth/logout', { token })).status).toBe(204);
      expect((await notes(token)).status).toBe(401);
    });

    it('L1: so do the end of all sessions, of the others, and of one by its id', async () => {
      const [one, two, three] = [await app.login(), await app.login(), await app.login()];
      for (const { access_token: token } of [one, two, three]) expect((await notes(token)).status).toBe(200);
      await app.tokens.revoke((await notes(three.access_token)).body.sessionId);
      expect((await notes(three.access_token)).status).toBe(401);
      await app.http.post('/auth/logout-other', { token: one.access_token });
      expect((await notes(two.access_token)).status).toBe(401);
      expect((await notes(one.access_token)).status).toBe(200);
      await app.tokens.revokeAll('1');
      expect((await notes(one.access_token)).status).toBe(401);
    });

    it('L4: a refresh reads the storage, and both access tokens go on', async () => {
      const before = await app.login();
      await notes(before.access_token);
      const after = (await app.http.post('/auth/refresh', { json: { refresh_token: before.refresh_token } })).body;
      for (const token of [before.access_token, after.access_token, after.access_token])
        expect((await notes(token)).status).toBe(200);
    });

    it('L4: new keys after a proof of credentials end the tokens of before', async () => {
      const { access_token: token } = await app.login();
      await notes(token);
      app.clock.advance('5s');
      const renewed = await app.http.post('/auth/reauthenticate', { token, json: { password: 'alice-password' } });
      expect(renewed.status).toBe(200);
      expect((await notes(token)).status).toBe(401);
      expect((await notes(renewed.body.access_token)).status).toBe(200);
    });

    it('a token that memory knows still expires', async () => {
      const { access_token: token } = await app.login();
      await notes(token);
      app.clock.advance('301s');
      expect((await notes(token)).body.code).toBe('token_expired');
    });

    it('L4: a user who changed counts as changed once that is announced', async () => {
      const { access_token: token } = await app.login();
      await notes(token);
      await app.users.rows.update({ username: 'alice' }, { isActive: false });
      expect((await notes(token)).status).toBe(200);
      await app.tokens.userChanged('1');
      expect((await notes(token)).status).toBe(401);
    });

    it("gives requests a frozen snapshot, and the storage's user to routes with @Authoritative()", async () => {
      const { access_token: token } = await app.login();
      for (let count = 0; count < 2; count++) {
        expect((await app.http.get('/money/type', { token })).body).toEqual({ type: 'Object', isFrozen: true });
        expect((await app.http.get('/money', { token })).body).toEqual({ type: 'User' });
      }
    });

    it('reads the storage where a route says @Authoritative()', async () => {
      const { access_token: token } = await app.login();
      await notes(token);
      await app.source.query('DELETE FROM jwt_knox_sessions');
      // SQL by hand is not announced within one process: that is what the decorator is for.
      expect((await notes(token)).status).toBe(200);
      expect((await app.http.get('/money', { token })).status).toBe(401);
    });

    it('narrowed rights count at once', async () => {
      const { access_token: token } = await app.login();
      const { sessionId } = (await notes(token)).body;
      await app.tokens.narrow(sessionId, ['orders:read']);
      expect((await app.tokens.authenticate(token)).session.scopes).toBe('orders:read');
    });
  });

  it.each<[string, (login: { access_token: string; refresh_token: string; session_id: string }) => Promise<unknown>]>([
    ['a logout', ({ access_token: token }) => app.http.post('/auth/logout', { token })],
    ['a refresh', ({ refresh_token }) => app.http.post('/auth/refresh', { json: { refresh_token } })],
    ['narrower rights', ({ session_id: id }) => app.tokens.narrow(id, [])],
  ])('L1: memory accepts nothing of which %s was answered that it is over, whoever ended it', async (_what, ask) => {
    await start({ users: { announcedBy: 'application' } });
    const login = await app.login();
    for (let count = 0; count < 2; count++) expect((await notes(login.access_token)).status).toBe(200);
    // By hand, which this feed hears nothing of.
    await app.source.query('DELETE FROM jwt_knox_sessions');
    expect((await notes(login.access_token)).status).toBe(200);
    const answer = await ask(login);
    expect((answer as { status?: number }).status ?? answer).toBeOneOf([401, false]);
    expect((await notes(login.access_token)).status).toBe(401);
  });

  it('L1: two applications of one process hear of each other by one feed, and no more when one of them has stopped', async () => {
    const database = await createSharedDatabase(kind);
    const features = [leaseCache({ feed: localFeed(), users: { announcedBy: 'application' } })];
    const open = () => createApp(platform, kind, { database, extras: { features }, controllers: [NotesController] });
    app = await open();
    const other = await open();
    try {
      const alice = await app.users.add('alice');
      const statusOf = async (one: TestApp, token: string) => (await one.http.get('/notes', { token })).status;
      const warm = async () => {
        const { access_token: token } = await app.login();
        for (const one of [app, app, other, other]) expect(await statusOf(one, token)).toBe(200);
        return token;
      };
      const [one, two] = [await warm(), await warm()];
      expect((await app.http.post('/auth/logout', { token: one })).status).toBe(204);
      expect([await statusOf(app, one), await statusOf(other, one)]).toEqual([401, 401]);
      await other.tokens.revokeAll(String(alice.id));
      expect([await statusOf(app, two), await statusOf(other, two)]).toEqual([401, 401]);
      // Somebody else's end, of which nobody was told.
      const gone = await warm();
      await app.source.query('DELETE FROM jwt_knox_sessions');
      expect(await other.tokens.revokeAll(String(alice.id))).toBe(0);
      expect([await statusOf(app, gone), await statusOf(other, gone)]).toEqual([401, 401]);
      const last = await warm();
      await other.app.close();
      await app.tokens.revokeAll(String(alice.id));
      expect(await statusOf(app, last)).toBe(401);
    } finally {
      await other.close();
    }
  });

  it('L2: what memory would refuse is judged anew by the storage', async () => {
    await start({ users: { announcedBy: 'application' } });
    const { access_token: token } = await app.login();
    await notes(token);
    // The end moves later, which is not announced: memory thinks that the session is over.
    const later = app.clock.now() + 40 * 86_400_000;
    await app.source.query(
      `UPDATE jwt_knox_sessions SET "expiresAt" = 1`.replaceAll('"', kind === 'mariadb' ? '`' : '"'),
    );
    await app.tokens.userChanged('1');
    const asked = await notes(token);
    expect([200, 401]).toContain(asked.status);
    await app.source.query(
      `UPDATE jwt_knox_sessions SET "expiresAt" = ${later}`.replaceAll('"', kind === 'mariadb' ? '`' : '"'),
    );
    expect((await notes(token)).status).toBe(200);
  });

  it('without users, asks the provider and not the table of sessions', async () => {
    await start();
    const { access_token: token } = await app.login();
    await notes(token);
    app.statements.length = 0;
    expect((await notes(token)).status).toBe(200);
    const read = app.statements.filter((sql) => /^SELECT/i.test(sql));
    expect(read.filter((sql) => sql.includes('jwt_knox_sessions'))).toEqual([]);
    expect(read.filter((sql) => sql.includes('users')).length).toBe(1);
    await app.users.rows.update({ username: 'alice' }, { isActive: false });
    expect((await notes(token)).status).toBe(401);
  });

  it('without users, counts each request once too', async () => {
    await start();
    await countsAsAnswered();
  });

  it('gives no request what another one made of the claims of their token', async () => {
    await start();
    const user = await app.users.rows.findOneByOrFail({ username: 'alice' });
    const { accessToken: token } = await app.tokens.issue(user, {}, { claims: { may: { refund: false, shops: [1] } } });
    const { claims } = await app.tokens.authenticate(token);
    const may = claims.may as { refund: boolean; shops: number[] };
    expect(() => (may.refund = true)).toThrow(TypeError);
    expect(() => may.shops.push(2)).toThrow(TypeError);
    expect((await app.tokens.authenticate(token)).claims).toEqual({ may: { refund: false, shops: [1] } });
  });

  it('does not start with users: true, where nobody announces how they change', async () => {
    await expect(start({ users: true })).rejects.toThrow("set users: { announcedBy: 'application' }");
    await start({});
  });

  it('keeps nothing with keep: false', async () => {
    await start({ keep: false });
    const { access_token: token } = await app.login();
    await notes(token);
    expect(await statementsOf(() => notes(token))).toBeGreaterThanOrEqual(2);
  });
});
