import { randomBytes } from 'node:crypto';
import type { LoggerService } from '@nestjs/common';
import { appWith, database, forRoot } from '../src/apps.js';
import { CreateUsers1764000000001, User } from '../src/users.js';
import { start } from './start.js';

const secret = randomBytes(48).toString('base64');

class Journal implements LoggerService {
  readonly errors: string[] = [];
  log(): void {}
  warn(): void {}
  error(message: unknown): void {
    this.errors.push(String(message));
  }
}

const failure = async (module: Parameters<typeof start>[0]): Promise<Error> => {
  try {
    await (await start(module)).app.close();
  } catch (error) {
    return error as Error;
  }
  throw new Error('The application started.');
};

describe('At start-up, a developer is told', () => {
  it('that the secret is too short, and how to make a good one', async () => {
    const error = await failure(appWith(forRoot({ secret: 'fifteen letters' })));
    expect(error.name).toBe('JwtKnoxConfigurationError');
    expect(error.message).toMatch(/^JwtKnoxModule is misconfigured \(1 problem\):\n.*15 bytes.*openssl rand/s);
    expect(error.message).not.toContain('fifteen');
  });

  it('of several mistakes at once', async () => {
    const error = await failure(appWith(forRoot({ secret: '', accessToken: { ttl: 'soon' } })));
    expect(error.message).toMatch(/\(2 problems\):\n {2}- secret: .*\n {2}- accessToken\.ttl: /);
  });

  it('that the data source does not know the entity, and the two ways to change that', async () => {
    const storage = database({ autoLoadEntities: false, entities: [User] });
    const error = await failure(appWith(forRoot({ secret }), storage));
    expect(error.name).toBe('JwtKnoxConfigurationError');
    expect(error.message).toMatch(
      /entity JwtKnoxSession and JwtKnoxFence.*autoLoadEntities: true.*add JwtKnoxSession and JwtKnoxFence to/s,
    );
  });

  it('that the table is missing, and which migrations make it', async () => {
    const journal = new Journal();
    const storage = database({ migrations: [CreateUsers1764000000001] });
    const { app } = await start(appWith(forRoot({ secret }), storage), journal);
    await app.close();
    expect(journal.errors.filter((message) => message.includes('sessions'))).toEqual([
      expect.stringMatching(/no such table.*jwtKnoxMigrations.*nestjs-jwt-knox\/migrations/s),
    ]);
  });
});
