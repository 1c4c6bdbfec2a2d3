import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { JwtKnoxModule, UserProvider } from '../../lib';
import { actingAs, FakeClock, inMemory } from '../../lib/testing';
import { NotesController, SECRET, checkFor } from '../support/create-app';
import { HttpClient } from '../support/http-client';
import { platforms } from '../support/platforms';

interface Person {
  id: string;
  username: string;
}

class People extends UserProvider<Person> {
  readonly all: Person[] = [
    { id: 'a', username: 'alice' },
    { id: 'b', username: 'bob' },
  ];
  async validateCredentials() {
    return null;
  }
  async findById(id: string) {
    return this.all.find((person) => person.id === id) ?? null;
  }
}

@Module({ providers: [People], exports: [People] })
class PeopleModule {}

describe.each(platforms)('helpers for the tests of hosts: $name', ({ adapter, ready }) => {
  it('let a test act as a user, behind a global guard, without a database', async () => {
    const clock = new FakeClock();
    const knox = JwtKnoxModule.forRoot({
      secret: SECRET,
      clock,
      guard: 'global',
      imports: [PeopleModule],
      userProvider: People,
      storage: inMemory(),
    });
    const testing = await Test.createTestingModule({ imports: [knox], controllers: [NotesController] }).compile();
    const app = testing.createNestApplication(adapter() as any, { logger: false });
    await app.init();
    await ready(app);
    await app.listen(0, '127.0.0.1');
    try {
      const http = new HttpClient((app.getHttpServer().address() as AddressInfo).port, checkFor(app).check);
      const [alice, bob] = [
        await actingAs(app, { id: 'a' }),
        await actingAs(app, { id: 'b' }, { deviceName: 'Phone' }),
      ];
      const whoAmI = async (actor: typeof alice) => (await http.get('/notes', { headers: { ...actor.headers } })).body;
      expect(await whoAmI(alice)).toMatchObject({ userId: 'a', username: 'alice', sessionId: alice.session.id });
      expect(await whoAmI(bob)).toMatchObject({ userId: 'b' });
      expect(bob.session.deviceName).toBe('Phone');
      expect(JSON.stringify(alice)).not.toContain(alice.refreshToken);
      clock.advance('5m');
      expect(await whoAmI(alice)).toMatchObject({ code: 'token_expired' });
    } finally {
      await app.close();
    }
  });
});
