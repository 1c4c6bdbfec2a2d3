import type { AddressInfo } from 'node:net';
import { Controller, type DynamicModule, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxGuard, JwtKnoxModule, TokenService } from '../../lib';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { inMemory } from '../../lib/testing';
import { SECRET, checkFor } from '../support/create-app';
import { HttpClient } from '../support/http-client';
import { platforms } from '../support/platforms';
import { notingLogger } from '../support/noting-logger';

const OTHER_SECRET = 'Zz8Jk2nQpR7sTuVwXyZ0123456789abcdefGHIJKLmno';

@Injectable()
class FirstLogin {
  constructor(readonly tokens: TokenService) {}
}

@Controller('first')
@UseGuards(JwtKnoxGuard)
class FirstController {
  @Get() mine(@CurrentUser('id') id: string) {
    return { id };
  }
}

@Module({ controllers: [FirstController], providers: [FirstLogin] })
class Probes {}

function importedTwice(one: DynamicModule): unknown[] {
  return ['a', 'b'].map(() => {
    @Module({ imports: [one] })
    class Feature {}
    return Feature;
  });
}

interface Change {
  isGlobal?: boolean;
  guard?: 'manual' | 'global';
  realm?: string;
}

function issuer(secret: string, change: Change = {}): DynamicModule {
  return JwtKnoxModule.forRoot({
    secret,
    storage: inMemory(),
    routes: false,
    ...change,
  });
}

function verifier(change: Change = {}): DynamicModule {
  return JwtKnoxVerifierModule.forRoot({ secret: OTHER_SECRET, storage: inMemory(), ...change });
}

describe.each(platforms)('two modules of the library in one application: $name', (platform) => {
  let app: Awaited<ReturnType<typeof NestFactory.create>>;
  const warnings: string[] = [];
  const warn = (line: unknown, context: unknown) => context === 'JwtKnox' && warnings.push(String(line));
  const logger = notingLogger(warn, 'warn');

  async function open(...imports: unknown[]): Promise<HttpClient> {
    @Module({ imports: imports as DynamicModule[] })
    class HostModule {}
    warnings.length = 0;
    app = await NestFactory.create(HostModule, platform.adapter() as never, { logger, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return new HttpClient((app.getHttpServer().address() as AddressInfo).port, checkFor(app).check);
  }
  afterEach(() => app.close());

  it.each([
    ['the main module twice', () => [issuer(SECRET), issuer(OTHER_SECRET)], 'JwtKnoxModule, JwtKnoxModule'],
    ['a verifier twice', () => [verifier(), verifier()], 'JwtKnoxVerifierModule, JwtKnoxVerifierModule'],
    [
      'two realms',
      () => [issuer(SECRET, { realm: 'staff' }), issuer(SECRET, { realm: 'customers' })],
      "JwtKnoxModule of realm 'staff', JwtKnoxModule of realm 'customers'",
    ],
    ['one of each', () => [issuer(SECRET), verifier()], 'JwtKnoxModule, JwtKnoxVerifierModule'],
  ])('are warned of when both are global: %s', async (_title, imports, names) => {
    await open(...imports());
    expect(warnings).toEqual([expect.stringContaining(`2 modules of nestjs-jwt-knox are global (${names})`)]);
    expect(warnings[0]).toContain('call forRoot once, in your root module');
    expect(warnings[0]).toContain('write isGlobal: false for all but one');
  });

  it('are warned of when both guard everything', async () => {
    const http = await open(
      issuer(SECRET, { guard: 'global' }),
      issuer(OTHER_SECRET, { guard: 'global', isGlobal: false }),
      Probes,
    );
    expect(warnings).toEqual([
      expect.stringContaining("guard: 'global' is set for 2 modules (JwtKnoxModule, JwtKnoxModule)"),
    ]);
    expect(warnings[0]).toContain('@UseGuards(JwtKnoxGuard) on the routes of the others');
    // What it warns of: the first one's guard lets the token in, and the second one's does not.
    const { accessToken: token } = await app.get(FirstLogin).tokens.issue({ id: '1' });
    expect((await http.get('/first', { token })).status).toBe(401);
    await app.close();
    const alone = await open(issuer(SECRET, { guard: 'global' }), Probes);
    const good = (await app.get(FirstLogin).tokens.issue({ id: '1' })).accessToken;
    expect([warnings, (await alone.get('/first', { token: good })).status]).toEqual([[], 200]);
  });

  it.each([
    ['one module', () => [issuer(SECRET, { guard: 'global' })]],
    ['one module, imported in two places', () => importedTwice(issuer(SECRET, { guard: 'global' }))],
    ['one of two is global', () => [issuer(SECRET), issuer(OTHER_SECRET, { isGlobal: false })]],
    ['one of each is global', () => [issuer(SECRET, { isGlobal: false }), verifier()]],
    ['none is global', () => [issuer(SECRET, { isGlobal: false }), verifier({ isGlobal: false })]],
  ])('control: no warning when there is %s', async (_title, imports) => {
    await open(...imports());
    expect(warnings).toEqual([]);
  });

  it('warn each application of its own modules alone', async () => {
    await open(issuer(SECRET), issuer(OTHER_SECRET));
    await app.close();
    await open(issuer(SECRET));
    expect(warnings).toEqual([]);
  });

  it('work beside each other as the remedy has it', async () => {
    const second = issuer(OTHER_SECRET, { isGlobal: false });

    @Injectable()
    class SecondLogin {
      constructor(readonly tokens: TokenService) {}
    }
    @Controller('second')
    @UseGuards(JwtKnoxGuard)
    class SecondController {
      @Get() mine(@CurrentUser('id') id: string) {
        return { id };
      }
    }
    @Module({ imports: [second], controllers: [SecondController], providers: [SecondLogin] })
    class Second {}

    const http = await open(issuer(SECRET), Probes, Second);
    expect(warnings).toEqual([]);
    const first = (await app.get(FirstLogin).tokens.issue({ id: '1' })).accessToken;
    const other = (await app.get(SecondLogin).tokens.issue({ id: '2' })).accessToken;
    const answers = async (path: string) => [
      (await http.get(path, { token: first })).status,
      (await http.get(path, { token: other })).status,
    ];
    expect(await answers('/first')).toEqual([200, 401]);
    expect(await answers('/second')).toEqual([401, 200]);
  });
});
