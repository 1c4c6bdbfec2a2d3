import {
  Controller,
  Get,
  type INestApplication,
  Inject,
  Injectable,
  Module,
  Param,
  Scope,
  UseGuards,
  type VersioningOptions,
  VersioningType,
} from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CurrentUser,
  JwtKnoxConfigurationError,
  type JwtKnoxFeature,
  JwtKnoxGuard,
  OptionalAuth,
  Public,
  TokenService,
} from '../../lib';
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

/** Whatever may stand above a class, and holds for this class alone. */
@Public()
@Controller({ path: 'open', version: '2', scope: Scope.REQUEST })
class OpenController {
  private readonly made = ++OpenController.instances;
  static instances = 0;

  @Get() get() {
    return { made: this.made };
  }
}

@OptionalAuth()
@Controller()
class RootController {
  @Get('hello') hello() {
    return { hello: 'stranger' };
  }
}

class Bare {}

const BY_HEADER: VersioningOptions = { type: VersioningType.HEADER, header: 'x-version' };
const open: JwtKnoxFeature = { name: 'open', controllers: [OpenController, RootController], routes: [] };

describe.each(platforms)('a feature: $name', (platform) => {
  let t: TestApp;
  const unchecked = 'these features do not describe all of their routes';
  const start = (extras: object) =>
    createApp(platform, 'sqlite', { extras: { storage: inMemory(), ...extras }, unchecked });

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

  it.each(['auth', '/auth', 'auth/', '/api//auth/', ''])(
    'keeps what its controllers say of themselves: prefix %j',
    async (prefix) => {
      const prepare = (app: INestApplication) => void app.enableVersioning(BY_HEADER);
      const extras = { storage: inMemory(), features: [open], routes: { prefix }, guard: 'global' as const };
      const app = await createApp(platform, 'sqlite', { extras, prepare, unchecked });
      try {
        const path = ['', ...prefix.split('/').filter(Boolean)].join('/');
        const ask = () => app.http.get(`${path}/open`, { headers: { 'x-version': '2' } });
        const [first, second] = [await ask(), await ask()];
        expect([first.status, second.body.made - first.body.made]).toEqual([200, 1]);
        expect((await app.http.get(`${path}/open`)).status).toBe(404);
        expect((await app.http.get(`${path}/hello`)).body).toEqual({ hello: 'stranger' });
        if (prefix === '') return;
        expect((await app.http.get('/open', { headers: { 'x-version': '2' } })).status).toBe(404);
      } finally {
        await app.close();
      }
    },
  );

  it.each<[string, unknown, RegExp]>([
    [
      'a controller that is none',
      [{ ...counts, controllers: [Bare] }],
      /^features: the controllers of 'counts' must be/,
    ],
    [
      'a controller that is undefined',
      [{ ...counts, controllers: [undefined] }],
      /^features: the controllers of 'counts'/,
    ],
    ['two of one name', [counts, { ...counts }], /^features: 'counts' is listed twice; leave one of the two out/],
    ['one without a name', [{ routes: [] }], /^features: each needs a name/],
    ['one that is none', [undefined], /^features: each needs a name/],
    ['a function that is not called', [() => counts], /^features: each is what a function .*; call it/],
    ['no list', counts, /^features: must be a list/],
  ])('is refused at start-up: %s', async (_title, features, problem) => {
    const refused: unknown = await start({ features }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JwtKnoxConfigurationError);
    expect((refused as JwtKnoxConfigurationError).problems).toEqual([expect.stringMatching(problem)]);
  });
});
