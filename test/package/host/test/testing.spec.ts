import { randomBytes } from 'node:crypto';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { CurrentUser, JwtKnoxGuard, JwtKnoxModule, TokenService } from 'nestjs-jwt-knox';
import { FakeClock, inMemory, InMemorySessionRepository, sessionRepositoryContract } from 'nestjs-jwt-knox/testing';
import { start } from './start.js';

const subject = async () => {
  const repository = new InMemorySessionRepository();
  return { repository, columns: { tenant: 'north' }, readColumns: async (id: string) => repository.columnsOf(id) };
};
sessionRepositoryContract('in memory', subject, { describe, it });

describe('A host that tests without a database', () => {
  it('moves the clock, and a token expires', async () => {
    const clock = new FakeClock();

    @Controller('me')
    @UseGuards(JwtKnoxGuard)
    class MeController {
      @Get() me(@CurrentUser() user: { id: string }) {
        return user;
      }
    }

    @Module({
      imports: [
        JwtKnoxModule.forRoot({
          secret: randomBytes(48),
          clock,
          accessToken: { ttl: '5m' },
          storage: inMemory(),
        }),
      ],
      controllers: [MeController],
    })
    class AppModule {}

    const { app, request } = await start(AppModule);
    try {
      const { accessToken: token } = await app.get(TokenService).issue({ id: 'u-1' });
      expect(await request('GET', '/me', { token })).toEqual({ status: 200, body: { id: 'u-1' } });
      clock.advance('5m');
      expect(await request('GET', '/me', { token })).toMatchObject({ status: 401, body: { code: 'token_expired' } });
    } finally {
      await app.close();
    }
  });
});
