import { type CanActivate, Controller, type ExecutionContext, Get, Injectable } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxGuard, type JwtKnoxExtras, Public } from '../../lib';
import { inMemory } from '../../lib/testing';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { notingLogger } from '../support/noting-logger';

/** As the guards of roles that Nest's documentation shows: it reads `request.user`. */
@Injectable()
class RolesGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<{ user?: unknown }>().user !== undefined;
  }
}

@Injectable()
class Throttler implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Controller('desk')
class DeskController {
  @Get() mine(@CurrentUser('username') username: string) {
    return { username };
  }
}

@Controller('health')
class HealthController {
  @Public() @Get() check() {
    return { ok: true };
  }
}

const roles = { provide: APP_GUARD, useClass: RolesGuard };
const throttler = { provide: APP_GUARD, useClass: Throttler };
const documented = { provide: APP_GUARD, useExisting: JwtKnoxGuard };
const BEFORE = 'run before the one of guard: ';

describe.each(platforms)('global guards: $name', (platform) => {
  let t: TestApp;
  let warnings: string[];
  afterEach(() => t.close());

  async function open(
    extras: JwtKnoxExtras,
    providers: unknown[],
    others: Partial<AppSettings> = {},
  ): Promise<TestApp> {
    warnings = [];
    const logger = notingLogger((line) => warnings.push(String(line)), 'warn');
    const controllers = [DeskController, HealthController];
    const all = { storage: inMemory(), ...extras };
    t = await createApp(platform, 'sqlite', { extras: all, providers, controllers, logger, ...others });
    await t.users.add('alice');
    return t;
  }

  it('one of the root module that runs before guard: "global" is named, with the remedy', async () => {
    await open({ guard: 'global' }, [throttler, roles], { controllers: [DeskController] });
    const told = warnings.filter((line) => line.includes(BEFORE));
    expect(told).toEqual([expect.stringContaining('who sends a request: Throttler, RolesGuard. ')]);
    expect(told[0]).toContain('{ provide: APP_GUARD, useExisting: JwtKnoxGuard }');
    // What it warns of: nobody has a user yet.
    const { accessToken: token } = await t.tokens.issue({ id: 1 } as never);
    expect((await t.http.get('/desk', { token })).status).toBe(403);
  });

  it('the documented form decides on the order: roles see the user', async () => {
    await open({}, [throttler, documented, roles], { controllers: [DeskController] });
    expect(warnings.filter((line) => line.includes(BEFORE))).toEqual([]);
    const { accessToken: token } = await t.tokens.issue({ id: 1 } as never);
    expect((await t.http.get('/desk', { token })).body).toEqual({ username: 'alice' });
    const refused = await t.http.get('/desk');
    expect([refused.status, refused.body.code]).toEqual([401, 'missing_token']);
  });

  it('the documented form is what guard: "global" is: public routes and those of the library are open', async () => {
    await open({}, [documented]);
    expect((await t.http.get('/health')).status).toBe(200);
    const { access_token: token } = await t.login();
    expect((await t.http.get('/desk', { token })).status).toBe(200);
    expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
  });

  it.each<[string, Partial<AppSettings>]>([
    ['alone', {}],
    ['with guards of routes', { controllers: [DeskController, HealthController] }],
    ['with one of useGlobalGuards, which runs after', { prepare: (app) => app.useGlobalGuards(new RolesGuard()) }],
  ])('control: no warning for guard: "global" %s', async (_title, others) => {
    await open({ guard: 'global' }, [], others);
    expect(warnings.filter((line) => line.includes(BEFORE))).toEqual([]);
    const { accessToken: token } = await t.tokens.issue({ id: 1 } as never);
    expect((await t.http.get('/desk', { token })).status).toBe(200);
  });
});
