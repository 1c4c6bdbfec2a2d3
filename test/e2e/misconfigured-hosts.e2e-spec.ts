import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { describe, expect, it } from 'vitest';
import { JwtKnoxGuard, JwtKnoxModule, TokenService, UserProvider } from '../../lib';
import { inMemory } from '../../lib/testing';
import { typeOrm } from '../../lib/typeorm';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { createApp, SECRET } from '../support/create-app';
import { platforms } from '../support/platforms';
import { notingLogger } from '../support/noting-logger';

@Injectable()
class Users extends UserProvider<{ id: number }> {
  async validateCredentials() {
    return { id: 1 };
  }
  async findById(id: string) {
    return { id: Number(id) };
  }
}

/** As an interface: what the base class has, it lacks. */
@Injectable()
class AlmostUsers {
  async validateCredentials() {
    return { id: 1 };
  }
  async findById() {
    return { id: 1 };
  }
}

@Module({ providers: [Users, AlmostUsers], exports: [Users, AlmostUsers] })
class UsersModule {}

async function startOf(...imports: any[]) {
  @Module({ imports })
  class HostModule {}
  const lines: string[] = [];
  const logger = notingLogger((line) => lines.push(String(line)), 'debug', 'warn', 'error');
  const app = await NestFactory.create(HostModule, { logger, abortOnError: false });
  try {
    await app.init();
  } finally {
    await app.close();
  }
  return lines;
}

const knox = (change: object = {}) =>
  JwtKnoxModule.forRoot({
    secret: SECRET,
    storage: inMemory(),
    imports: [UsersModule],
    userProvider: Users,
    ...change,
  });

const verifier = (change: object = {}) =>
  JwtKnoxVerifierModule.forRoot({
    secret: SECRET,
    issuer: 'https://auth.example.com',
    audience: 'notes',
    storage: inMemory(),
    imports: [UsersModule],
    userProvider: Users,
    ...change,
  } as never);

const MEMORY = { type: 'better-sqlite3' as const, database: ':memory:', autoLoadEntities: true };

describe('a misconfigured application is told the cure', () => {
  it('control: a sound one starts', async () => {
    expect(await startOf(knox())).toEqual([]);
    expect(await startOf(verifier())).toEqual([]);
  });

  it.each<[string, () => any[], RegExp]>([
    [
      'a user provider that is an instance',
      () => [knox({ userProvider: new Users() })],
      /userProvider: must be a class, not an instance/,
    ],
    [
      'a user provider that does not extend',
      () => [knox({ userProvider: AlmostUsers })],
      /AlmostUsers must extend UserProvider/,
    ],
    [
      'a user provider of a verifier that is an instance',
      () => [verifier({ userProvider: new Users() })],
      /JwtKnoxVerifierModule is misconfigured.*\n.*userProvider: must be a class, not an instance/,
    ],
    [
      'a user provider of a verifier that does not extend',
      () => [verifier({ userProvider: AlmostUsers })],
      /JwtKnoxVerifierModule is misconfigured.*\n.*AlmostUsers must extend UserProvider/,
    ],
    [
      'an extra that the factory returns',
      () => [
        JwtKnoxModule.forRootAsync({
          storage: inMemory(),
          useFactory: () => ({ secret: SECRET, guard: 'global' }) as object,
        }),
      ],
      /guard: has no effect in what a factory returns; write it beside useFactory/,
    ],
    [
      'a guard without the module',
      () => {
        @Controller('desk')
        @UseGuards(JwtKnoxGuard)
        class DeskController {
          @Get() mine() {}
        }
        @Module({ controllers: [DeskController] })
        class DeskModule {}
        return [DeskModule];
      },
      /JwtKnoxGuard: no module provides what it needs; import JwtKnoxModule\.forRoot/,
    ],
    [
      'no data source',
      () => [JwtKnoxModule.forRoot({ secret: SECRET })],
      /storage: no module provides the default data source.*import TypeOrmModule\.forRoot/,
    ],
    [
      'a data source of another name',
      () => [
        TypeOrmModule.forRoot({ ...MEMORY, name: 'sessions' }),
        JwtKnoxModule.forRoot({ secret: SECRET, storage: typeOrm({ dataSource: 'sesions' }) }),
      ],
      /storage: no module provides the data source 'sesions'.*typeOrm\(\{ dataSource \}\)/,
    ],
    [
      'control: a data source that fails says so itself',
      () => [
        TypeOrmModule.forRoot({
          type: 'postgres',
          host: '127.0.0.1',
          port: 1,
          retryAttempts: 0,
          autoLoadEntities: true,
        }),
        JwtKnoxModule.forRoot({ secret: SECRET }),
      ],
      /ECONNREFUSED/,
    ],
    [
      'a data source that nobody initializes',
      () => [
        TypeOrmModule.forRoot({ ...MEMORY, manualInitialization: true }),
        JwtKnoxModule.forRoot({ secret: SECRET }),
      ],
      /The data source is not initialized: leave manualInitialization out/,
    ],
  ])('%s', async (_title, imports, message) => {
    await expect(startOf(...imports())).rejects.toThrow(message);
  });

  it('a table that is in another data source', async () => {
    const lines = await startOf(TypeOrmModule.forRoot(MEMORY), JwtKnoxModule.forRoot({ secret: SECRET }));
    expect(lines).toEqual([
      expect.stringContaining('if the table is in another data source, name that one in typeOrm'),
    ]);
  });

  it('a provider that injects what injects TokenService: no circle, and both work', async () => {
    @Injectable()
    class Audit {
      constructor(readonly tokens: TokenService) {}
    }
    @Injectable()
    class AuditedUsers extends Users {
      constructor(readonly audit: Audit) {
        super();
      }
    }
    @Module({ providers: [AuditedUsers, Audit], exports: [AuditedUsers, Audit] })
    class AuditedModule {}
    const t = await createApp(platforms[0]!, 'sqlite', {
      extras: { storage: inMemory(), imports: [AuditedModule], userProvider: AuditedUsers },
    });
    try {
      const { access_token: token } = (await t.http.post('/auth/login', { json: { username: 'a', password: 'b' } }))
        .body;
      expect(await t.statusOf(token)).toBe(204);
      expect(t.app.get(AuditedUsers, { strict: false }).audit.tokens).toBe(t.tokens);
    } finally {
      await t.close();
    }
  }, 5_000);

  it.each(platforms)('no body parser: $name', async (platform) => {
    const t = await createApp(platform, 'sqlite', { extras: { storage: inMemory() }, bodyParser: false });
    try {
      const answer = await t.http.post('/auth/login', { json: { username: 'a', password: 'b' } });
      // Fastify reads JSON by itself.
      if (platform.name === 'fastify') return expect(answer.status).toBe(401);
      expect([answer.status, answer.body.message]).toEqual([
        415,
        'This application does not read JSON: its body parser is off.',
      ]);
    } finally {
      await t.close();
    }
  });
});
