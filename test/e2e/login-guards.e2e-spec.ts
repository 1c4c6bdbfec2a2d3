import { type CanActivate, type ExecutionContext, HttpException, Inject, Injectable } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxConfigurationError, requestOf } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { TestUsers } from '../support/users';

/** HTTP Basic (RFC 7617), as a host writes it. */
@Injectable()
class BasicGuard implements CanActivate {
  constructor(@Inject(TestUsers) private readonly users: TestUsers) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = requestOf(context);
    const [, encoded = ''] = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
    const [username = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
    const credentials = { username, password: password.join(':') };
    const user = await this.users.validateCredentials(credentials, request, (work) => work());
    if (!user) throw new HttpException({ error: 'basic' }, 401);
    request.user = user;
    return true;
  }
}

const basic = (username: string, password = `${username}-password`) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

const cases = everyEnvironment.flatMap((environment) =>
  (['manual', 'global'] as const).map((guard) => ({
    ...environment,
    guard,
    title: `${environment.title}, ${guard} guard`,
  })),
);

describe.each(cases)('a login behind HTTP Basic: $title', ({ platform, kind, guard }) => {
  let t: TestApp;

  beforeAll(async () => {
    t = await createApp(platform, kind, { extras: { loginGuards: [BasicGuard], guard } });
    await t.users.add('alice');
    await t.users.add('mallory', { isActive: false });
  });
  afterAll(() => t.close());
  beforeEach(() => {
    t.events.length = 0;
  });

  const login = (headers: Record<string, string>, json?: unknown) => t.http.post('/auth/login', { headers, json });
  const sessions = () => t.source.getRepository(JwtKnoxSession).count();

  it('gives tokens to the user whom the guard let in', async () => {
    const answer = await login(
      { ...basic('alice'), 'user-agent': 'curl/8' },
      { device_name: 'Laptop', username: 'eve' },
    );
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const { access_token: token, session_id: id } = answer.body;
    expect((await t.http.get('/notes', { token })).body).toMatchObject({ username: 'alice', sessionId: id });
    const [session] = (await t.http.get('/auth/sessions', { token })).body;
    expect(session).toMatchObject({ id, device_name: 'Laptop', user_agent: 'curl/8' });
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect((await t.http.get('/notes', { token })).status).toBe(401);
  });

  it('needs no body', async () => {
    const { status, body } = await login(basic('alice'));
    expect([status, body.token_type]).toEqual([200, 'Bearer']);
  });

  it("answers in the guard's own way when the guard refuses, and writes nothing", async () => {
    const before = await sessions();
    for (const headers of [{}, basic('alice', 'wrong'), basic('nobody'), { authorization: 'Bearer x' }]) {
      const answer = await login(headers as Record<string, string>, { username: 'alice', password: 'alice-password' });
      expect([answer.status, answer.body]).toEqual([401, { error: 'basic' }]);
    }
    expect(await sessions()).toBe(before);
  });

  it('refuses a disabled user whom the guard let in, like any bad credentials', async () => {
    const answer = await login(basic('mallory'));
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="jwt-knox"');
    expect(t.events).toEqual([expect.objectContaining({ name: 'login.failed' })]);
  });

  it('checks the body as ever', async () => {
    const answer = await login(basic('alice'), { device_name: ['x'] });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    const text = await t.http.post('/auth/login', {
      headers: { ...basic('alice'), 'content-type': 'text/xml' },
      body: '<a/>',
    });
    expect(text.status).toBe(415);
  });

  it('does not put the guard before any other route', async () => {
    const { access_token: token } = (await login(basic('alice'))).body;
    expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
    expect((await t.http.get('/auth/verify', { headers: basic('alice') })).body.code).toBe('missing_token');
  });
});

describe.each(everyEnvironment)('login guards: $title', ({ platform, kind }) => {
  it('need a userProvider, and the application says so when it starts', async () => {
    const start = createApp(platform, kind, { extras: { loginGuards: [BasicGuard], userProvider: undefined } });
    await expect(start).rejects.toThrow(JwtKnoxConfigurationError);
    await expect(start).rejects.toThrow('loginGuards: need a userProvider');
  });
});
