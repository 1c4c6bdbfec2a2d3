import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Module } from '@nestjs/common';
import { JwtKnoxModule, TokenService, UserProvider } from 'nestjs-jwt-knox';
import { inMemory, InMemorySessionRepository } from 'nestjs-jwt-knox/testing';
import { JwtKnoxVerifierModule, TokenVerifier } from 'nestjs-jwt-knox/verifier';
import { NotesController } from '../src/quick-start.js';
import { start } from './start.js';

const secret = randomBytes(48).toString('base64');
const users = { alice: { id: 'alice', username: 'alice' } };

class Users extends UserProvider<{ id: string }> {
  async validateCredentials() {
    return users.alice;
  }

  async findById(id: string) {
    return users[id as 'alice'] ?? null;
  }
}

/** Users who inject what injects a part of the library. */
function usersBehind(token: unknown) {
  @Injectable()
  class Audit {
    constructor(@Inject(token as never) readonly part: unknown) {}
  }

  @Injectable()
  class AuditedUsers extends Users {
    constructor(readonly audit: Audit) {
      super();
    }
  }

  @Module({ providers: [AuditedUsers, Audit], exports: [AuditedUsers] })
  class AuditedModule {}

  return { AuditedModule, AuditedUsers };
}

// A circle is no error in Nest 11: the application never starts, and the process ends without a word.
describe('A user provider that injects what injects the library', () => {
  it('of an application that logs in', async () => {
    const { AuditedModule, AuditedUsers } = usersBehind(TokenService);
    const extras = { imports: [AuditedModule], userProvider: AuditedUsers, storage: inMemory() };
    @Module({ imports: [JwtKnoxModule.forRoot({ secret, ...extras })], controllers: [NotesController] })
    class AppModule {}

    const { app, request } = await start(AppModule);
    try {
      const { body } = await request('POST', '/auth/login', { json: { username: 'alice', password: 'any' } });
      const notes = await request('GET', '/notes', { token: body.access_token });
      expect(notes).toMatchObject({ status: 200, body: { username: 'alice' } });
      expect(app.get(AuditedUsers, { strict: false }).audit.part).toBe(app.get(TokenService));
    } finally {
      await app.close();
    }
  });

  it('of a service that verifies', async () => {
    const { AuditedModule, AuditedUsers } = usersBehind(TokenVerifier);
    const repository = new InMemorySessionRepository();
    const storage = { useFactory: () => repository };
    const shared = { secret, issuer: 'https://auth.example.com', audience: 'notes' };
    @Module({ imports: [JwtKnoxModule.forRoot({ ...shared, storage })] })
    class FirstModule {}

    const extras = { imports: [AuditedModule], userProvider: AuditedUsers, storage };
    @Module({ imports: [JwtKnoxVerifierModule.forRoot({ ...shared, ...extras })], controllers: [NotesController] })
    class SecondModule {}

    const first = await start(FirstModule);
    const second = await start(SecondModule);
    try {
      const { accessToken: token } = await first.app.get(TokenService).issue(users.alice);
      const notes = await second.request('GET', '/notes', { token });
      expect(notes).toMatchObject({ status: 200, body: { username: 'alice' } });
    } finally {
      await second.app.close();
      await first.app.close();
    }
  });
});
