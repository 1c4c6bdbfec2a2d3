import { Injectable, Module } from '@nestjs/common';
import { Column, type ColumnOptions, Entity } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { UserProvider } from '../../lib';
import { JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import type { Platform } from '../support/platforms';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

const verify = async (token: string) => (await t.http.get('/auth/verify', { token })).status;

describe.each(environments)('user ids beyond 31 bits in a session entity of integers: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  const type = { sqlite: 'integer', postgres: 'bigint', mariadb: 'int' }[kind];
  const column = { name: 'userId', type, unsigned: kind === 'mariadb', transformer: stringTransformer };

  @Entity('own_sessions')
  class OwnSession extends JwtKnoxSessionBase {
    @Column(column as ColumnOptions)
    override userId!: string;
  }

  @Injectable()
  class People extends UserProvider<{ id: string }> {
    async validateCredentials({ username }: { username: string }) {
      return { id: username };
    }
    async findById(id: string) {
      return { id };
    }
  }

  @Module({ providers: [People], exports: [People] })
  class PeopleModule {}

  it("logging out everywhere ends the sessions of user 3,000,000,000, and nobody else's", async () => {
    await open(platform, kind, {
      synchronize: true,
      extras: { imports: [PeopleModule], userProvider: People, storage: typeOrm({ entity: OwnSession }) },
    });
    const [first, second, other] = [
      await t.login('3000000000'), await t.login('3000000000'), await t.login('2999999999'),
    ]; // prettier-ignore
    expect((await t.http.get('/auth/sessions', { token: first.access_token })).body).toHaveLength(2);
    const answer = await t.http.post('/auth/logout-all', { token: first.access_token });
    expect([answer.status, answer.body]).toEqual([200, { revoked: 2 }]);
    expect(await verify(first.access_token)).toBe(401);
    expect(await verify(second.access_token)).toBe(401);
    expect(await verify(other.access_token)).toBe(204);
    expect(await t.source.getRepository(OwnSession).count()).toBe(1);
  });
});
