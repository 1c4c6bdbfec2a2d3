import { Injectable, Logger, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TooBusyError } from '../../lib';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { TestUsers, User } from '../support/users';

/** Users of a host that has too much to do, when it is told so. */
@Injectable()
class BusyUsers extends TestUsers {
  busyAt: 'login' | 'look-up' | null = null;

  override async validateCredentials(...args: Parameters<TestUsers['validateCredentials']>) {
    if (this.busyAt === 'login') throw new TooBusyError(7);
    return super.validateCredentials(...args);
  }

  override async findById(id: string) {
    if (this.busyAt === 'look-up') throw new TooBusyError();
    return super.findById(id);
  }
}

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  providers: [
    {
      provide: BusyUsers,
      useFactory: (rows: Repository<User>) => new BusyUsers(rows),
      inject: [getRepositoryToken(User)],
    },
  ],
  exports: [BusyUsers],
})
class BusyUsersModule {}

describe.each(platforms)('a user provider that has too much to do: $name', (platform) => {
  let t: TestApp;
  let users: BusyUsers;
  const logged = vi.spyOn(Logger.prototype, 'error');
  beforeAll(async () => {
    logged.mockClear();
    t = await createApp(platform, 'sqlite', { extras: { imports: [BusyUsersModule], userProvider: BusyUsers } });
    users = t.app.get(BusyUsers, { strict: false });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  afterAll(() => logged.mockReset());

  const body = (message: string) => ({ statusCode: 503, error: 'Service Unavailable', code: 'too_busy', message });

  it('answers a login with 503 and when to come again, and starts no session', async () => {
    users.busyAt = 'login';
    const answer = await t.http.post('/auth/login', { json: { username: 'alice', password: 'alice-password' } });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '7']);
    expect(answer.body).toEqual(body('The server has too much to do; try again shortly.'));
    expect(t.events).toEqual([]);
    users.busyAt = null;
    expect((await t.login()).token_type).toBe('Bearer');
  });

  it('answers a guarded request and a refresh so too, and ends no session', async () => {
    const { access_token: token, refresh_token: refreshToken } = await t.login();
    const refresh = () => t.http.post('/auth/refresh', { json: { refresh_token: refreshToken } });
    users.busyAt = 'look-up';
    for (const answer of [await t.http.get('/notes', { token }), await refresh()])
      expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([503, 'too_busy', '1']);
    users.busyAt = null;
    expect([(await t.http.get('/notes', { token })).status, (await refresh()).status]).toEqual([200, 200]);
  });

  it('is no outage: nothing of it stood in the way of those in the log', () => {
    expect(logged).not.toHaveBeenCalled();
  });
});
