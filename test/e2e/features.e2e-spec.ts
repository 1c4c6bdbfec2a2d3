import { Controller, Get, Inject, Injectable, Module, Param, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxConfigurationError, type JwtKnoxFeature, JwtKnoxGuard, TokenService } from '../../lib';
import { inMemory } from '../../lib/testing';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';

@Module({ providers: [{ provide: 'GREETING', useValue: 'hello' }], exports: ['GREETING'] })
class GreetingModule {}

@Injectable()
class Counts {
  constructor(
    private readonly tokens: TokenService,
    @Inject('GREETING') readonly greeting: string,
  ) {}

  async of(userId: string): Promise<number> {
    return (await this.tokens.list(userId)).length;
  }
}

@Controller(['counts', 'numbers'])
@UseGuards(JwtKnoxGuard)
class CountsController {
  constructor(private readonly counts: Counts) {}

  @Get() async all(@CurrentUser('id') id: number) {
    return { sessions: await this.counts.of(String(id)), greeting: this.counts.greeting };
  }
  @Get(':name') one(@Param('name') name: string) {
    return { name };
  }
}

const counts: JwtKnoxFeature = {
  name: 'counts',
  imports: [GreetingModule],
  providers: [Counts],
  controllers: [CountsController],
  exports: [Counts],
  routes: [
    { method: 'GET', path: 'counts', summary: 'Counts sessions.', auth: 'access', responses: { 200: 'Counts' } },
  ],
};

describe.each(platforms)('a feature: $name', (platform) => {
  let t: TestApp;
  const start = (extras: object) => createApp(platform, 'sqlite', { extras: { storage: inMemory(), ...extras } });

  beforeAll(async () => {
    t = await start({ features: [counts], routes: { prefix: 'api/auth' } });
    await t.users.add('alice');
  });
  afterAll(() => t?.close());

  it('serves its controllers below the prefix, behind the guard, with what the module provides', async () => {
    const json = { username: 'alice', password: 'alice-password' };
    const { body } = await t.http.post('/api/auth/login', { json });
    const ask = (path: string, token?: string) => t.http.get(path, { token });
    expect((await ask('/api/auth/counts', body.access_token)).body).toEqual({ sessions: 1, greeting: 'hello' });
    expect((await ask('/api/auth/numbers/one', body.access_token)).body).toEqual({ name: 'one' });
    expect((await ask('/api/auth/counts')).status).toBe(401);
    expect((await ask('/counts', body.access_token)).status).toBe(404);
  });

  it('exports what it says', async () => {
    const [alice] = await t.users.rows.find();
    expect(await t.app.get(Counts).of(String(alice!.id))).toBe(1);
  });

  it('has no routes with routes: false, and its providers all the same', async () => {
    const silent = await start({ features: [counts], routes: false });
    try {
      expect((await silent.http.get('/auth/counts')).status).toBe(404);
      expect(silent.app.get(Counts).greeting).toBe('hello');
    } finally {
      await silent.close();
    }
  });

  it.each<[string, unknown, RegExp]>([
    ['two of one name', [counts, { ...counts }], /^features: 'counts' is given twice; leave one of the two out/],
    ['one without a name', [{ routes: [] }], /^features: each needs a name/],
    ['one that is none', [undefined], /^features: each needs a name/],
    ['no list', counts, /^features: must be a list/],
  ])('is refused at start-up: %s', async (_title, features, problem) => {
    const refused: unknown = await start({ features }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JwtKnoxConfigurationError);
    expect((refused as JwtKnoxConfigurationError).problems).toEqual([expect.stringMatching(problem)]);
  });
});
