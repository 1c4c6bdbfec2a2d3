import { randomUUID } from 'node:crypto';
import { Injectable, Module } from '@nestjs/common';
import { Column, type ColumnOptions, Entity } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, UserProvider } from '../../lib';
import { leaseCache, localFeed } from '../../lib/cache';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { JwtKnoxFence, JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import { User } from '../support/users';

const asBytes = {
  to: (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex'),
  from: (bytes: Buffer) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
};
/** Columns that take a UUID in capitals, and give it back in small letters. */
const FOLDING: Record<DatabaseKind, ColumnOptions> = {
  postgres: { type: 'uuid', transformer: stringTransformer },
  mariadb: { type: 'binary', length: 16, transformer: asBytes },
  sqlite: { type: 'blob', transformer: asBytes },
};
/** Columns that keep capitals, and take them for small letters. */
const LOOSE: Record<DatabaseKind, ColumnOptions> = {
  postgres: { type: 'citext' },
  mariadb: { type: 'varchar', collation: 'utf8mb4_general_ci' },
  sqlite: { type: 'varchar', collation: 'NOCASE' },
};
const COLUMNS = { folding: FOLDING, loose: LOOSE };

@Injectable()
class People extends UserProvider<{ id: string }> {
  /** How long a proof takes. */
  static held: (() => Promise<void>) | undefined;

  async validateCredentials({ username }: Credentials) {
    await People.held?.();
    return { id: username };
  }
  async findById(id: string) {
    return { id };
  }
  override isAdmin() {
    return true;
  }
}

@Module({ providers: [People], exports: [People] })
class PeopleModule {}

const settingsOf = (entity: ReturnType<typeof entityWith>): Partial<AppSettings> => ({
  extras: {
    imports: [PeopleModule],
    userProvider: People,
    storage: typeOrm({ entity }),
    routes: { admin: true },
    features: [leaseCache({ feed: localFeed() })],
  },
  synchronize: true,
  typeorm: { autoLoadEntities: false, entities: [User, entity, JwtKnoxFence] },
});

const columns = environments.flatMap((environment) =>
  Object.entries(COLUMNS).map(([how, column]) => ({ ...environment, how, column: column[environment.kind] })),
);

function entityWith(column: ColumnOptions) {
  @Entity('people_sessions')
  class PeopleSession extends JwtKnoxSessionBase {
    @Column({ name: 'userId', ...column })
    override userId!: string;
  }
  return PeopleSession;
}

describe.each(columns)(
  "a user's id in another spelling than a $how column: $title",
  ({ platform, kind, how, column }) => {
    const PeopleSession = entityWith(column);
    let t: TestApp;
    let id: string;
    let login: { access_token: string; session_id: string };
    const status = async () => (await t.http.get('/notes', { token: login.access_token })).status;

    beforeEach(async () => {
      t = await createApp(platform, kind, settingsOf(PeopleSession));
      id = randomUUID();
      login = (await t.login(id)) as typeof login;
      t.events.length = 0;
      for (let count = 0; count < 2; count++) expect(await status()).toBe(200);
    });
    afterEach(() => {
      People.held = undefined;
      return t.close();
    });

    it.each<[string, (spelled: string) => Promise<unknown>]>([
      ['the end of all sessions', (userId) => t.tokens.revokeAll(userId)],
      [
        'the end by an administrator',
        async (userId) => {
          const { access_token: token } = await t.login(randomUUID());
          const answer = await t.http.delete(`/auth/admin/users/${userId}/sessions`, { token });
          expect([answer.status, answer.body]).toEqual([200, { revoked: 1 }]);
        },
      ],
      ['a user who is disabled', (userId) => t.tokens.userDisabled(userId)],
      ['new credentials', (userId) => t.tokens.changeCredentials({ userId }, async () => undefined)],
      ['the end of all others', (userId) => t.tokens.revokeOther({ userId, id: randomUUID() })],
      ['the end of one', (userId) => t.tokens.revoke(login.session_id, { userId })],
    ])('L1: %s counts in memory, closes what is open, and is told of by the id of the session', async (_what, end) => {
      const ends: string[] = [];
      const channels = t.app.get(OpenChannels);
      const shown = await t.tokens.authenticate(login.access_token);
      channels.watch();
      channels.open(shown, undefined, { recheck: 60_000, lifetime: 'session' }, (reason) => void ends.push(reason));
      await end(id.toUpperCase());
      expect(await status()).toBe(401);
      await expect.poll(() => ends).toEqual(['session_ended']);
      const told = t.events.filter(({ name }) => name === 'session.revoked').map(({ event }) => event.userId);
      expect(told).toEqual([id]);
    });

    it('new credentials leave the session that changes them', async () => {
      const tokens = await t.tokens.changeCredentials(
        { userId: id.toUpperCase(), id: login.session_id },
        async () => undefined,
      );
      expect(await status()).toBe(401);
      expect((await t.http.get('/notes', { token: tokens!.accessToken })).status).toBe(200);
    });

    it('nobody logs in by two spellings: who ends the sessions of one would leave the others', async () => {
      const other = { json: { username: id.toUpperCase(), password: 'any' } };
      expect((await t.http.post('/auth/login', other)).status).toBe(500);
      expect(await t.tokens.revokeAll(id)).toBe(1);
      expect(await status()).toBe(401);
      expect((await t.http.post('/auth/login', other)).status).toBe(how === 'loose' ? 200 : 500);
    });

    it.runIf(how === 'loose')('a login under way in one spelling ends with all sessions in the other', async () => {
      await t.tokens.revokeAll(id);
      let arrived!: () => void;
      const here = new Promise<void>((resolve) => (arrived = resolve));
      let go!: () => void;
      People.held = () => (arrived(), new Promise<void>((resolve) => (go = resolve)));
      const late = t.http.post('/auth/login', { json: { username: id, password: 'any' } });
      await here;
      await t.tokens.userDisabled(id.toUpperCase());
      go();
      expect((await late).status).toBe(401);
    });
  },
);

describe.each(environments)("a user's id in a loose column, without a cache: $title", ({ platform, kind }) => {
  it('is not asked for where nobody keeps the user who changed', async () => {
    const { extras, ...settings } = settingsOf(entityWith(LOOSE[kind]));
    const t = await createApp(platform, kind, { ...settings, extras: { ...extras, features: [] } });
    t.statements.length = 0;
    await t.tokens.userChanged(randomUUID());
    expect(t.statements).toEqual([]);
    await t.close();
  });
});

describe.each(environments)("a user's id in a column that is declared as a uuid: $title", ({ platform, kind }) => {
  const PeopleSession = entityWith({ type: 'uuid', transformer: stringTransformer });

  // Elsewhere nobody can log in with capitals: the type gives small letters back.
  it.runIf(kind === 'sqlite')('in capitals, ends as it was issued', async () => {
    const t = await createApp(platform, kind, settingsOf(PeopleSession));
    const { access_token: token } = await t.login(randomUUID().toUpperCase());
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect((await t.http.get('/notes', { token })).status).toBe(401);
    await t.close();
  });
});
