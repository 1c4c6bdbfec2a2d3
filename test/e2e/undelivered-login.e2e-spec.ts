import { type ExecutionContext, Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { TokenTransport } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { BearerTransport } from '../../lib/guard/bearer.transport';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import type { Platform } from '../support/platforms';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

const logIn = (username = 'alice') =>
  t.http.post('/auth/login', { json: { username, password: `${username}-password` } });

const countRows = () => t.source.getRepository(JwtKnoxSession).count();

describe.each(environments)('a login whose tokens cannot be handed over: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  let fails = false;
  class FailingTransport extends BearerTransport {
    override write(...given: Parameters<BearerTransport['write']>) {
      if (fails) throw new Error('the transport failed');
      return super.write(...given);
    }
  }
  @Injectable()
  class LoginGuard {
    canActivate(context: ExecutionContext) {
      const request = context.switchToHttp().getRequest<{ user: unknown }>();
      request.user = { id: 1, isActive: true };
      return true;
    }
  }

  const failing = async (): Promise<object> => {
    if (fails) throw new Error('the hook failed');
    return {};
  };
  it.each<[string, AppSettings]>([
    ['tokenResponse', { options: { tokenResponse: failing } }],
    ['transport.write', { options: { transport: new FailingTransport() as TokenTransport } }],
    [
      'tokenResponse, behind a login guard',
      { options: { tokenResponse: failing }, extras: { loginGuards: [LoginGuard] }, providers: [LoginGuard] },
    ],
  ])('leaves no session behind: %s', async (_title, settings) => {
    fails = true;
    const { options, ...rest } = settings;
    await open(platform, kind, { options: { ...options, session: { limitPerUser: 1 } }, ...rest });
    await t.users.add('alice');
    expect((await logIn()).status).toBe(500);
    expect(await countRows()).toBe(0);
    fails = false;
    expect((await logIn()).status).toBe(200);
    expect(await countRows()).toBe(1);
  });
});
