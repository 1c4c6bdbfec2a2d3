import { randomUUID } from 'node:crypto';
import { Injectable, Module } from '@nestjs/common';
import { Column, type ColumnOptions, Entity } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, UserProvider } from '../../lib';
import { leaseCache, localFeed } from '../../lib/cache';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { JwtKnoxFence, JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import { User } from '../support/users';

/** Columns that take a UUID in capitals, and give it back in small letters. */
const asBytes = {
  to: (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex'),
  from: (bytes: Buffer) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
};
const COLUMNS: Record<DatabaseKind, ColumnOptions> = {
  postgres: { type: 'uuid', transformer: stringTransformer },
  mariadb: { type: 'binary', length: 16, transformer: asBytes },
  sqlite: { type: 'blob', transformer: asBytes },
};

@Injectable()
class People extends UserProvider<{ id: string }> {
  async validateCredentials({ username }: Credentials) {
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

describe.each(environments)("a user's id in another spelling than the sessions hold: $title", ({ platform, kind }) => {
  @Entity('people_sessions')
  class PeopleSession extends JwtKnoxSessionBase {
    @Column({ name: 'userId', ...COLUMNS[kind] })
    override userId!: string;
  }

  let t: TestApp;
  let id: string;
  let login: { access_token: string; session_id: string };
  const status = async () => (await t.http.get('/notes', { token: login.access_token })).status;

  beforeEach(async () => {
    t = await createApp(platform, kind, {
      extras: {
        imports: [PeopleModule],
        userProvider: People,
        storage: typeOrm({ entity: PeopleSession }),
        routes: { admin: true },
        features: [leaseCache({ feed: localFeed() })],
      },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, PeopleSession, JwtKnoxFence] },
    });
    id = randomUUID();
    login = (await t.login(id)) as typeof login;
    t.events.length = 0;
    for (let count = 0; count < 2; count++) expect(await status()).toBe(200);
  });
  afterEach(() => t.close());

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
});
