import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { JwtService } from '@nestjs/jwt';
import { describe, expect, it } from 'vitest';
import { type LoginArrival, SystemClock } from '../../lib';
import { InMemorySessionRepository } from '../../lib/testing';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { claimsOf, headerOf } from '../support/decode';
import { AT_ONCE, gatedUsers, type GatedUsers, PendingLogin, WAITING } from '../support/gated-hashing';
import { basic, GATEWAY, oauthOptions, postForm } from '../support/oauth';
import {
  ExchangeController,
  ForgottenPasswordController,
  limitedClients,
  Mailer,
  OAuthClient,
  OAuthLoginController,
  PasswordController,
  PendingLogins,
  rotation,
  severalAudiences,
  singleToken,
  withExpirations,
} from '../support/recipes';
import { describeRecipesOf } from '../support/recipe-page';
import { connectionsOf } from '../support/use-app';

describeRecipesOf('test/support/recipes.ts');

describe.each(everyEnvironment)('recipes: $title', ({ platform, kind }) => {
  /** Runs a recipe in an application of its own, with a user alice. */
  async function withApp(settings: AppSettings, run: (t: TestApp) => Promise<void>): Promise<void> {
    const t = await createApp(platform, kind, settings);
    try {
      await t.users.add('alice');
      await run(t);
    } finally {
      await t.close();
    }
  }

  it('exchanges a stateless token for a session, and nothing else', async () => {
    const stateless = new JwtService({ secret: 'the secret of before', signOptions: { expiresIn: '1h' } });
    const providers = [{ provide: JwtService, useValue: stateless }];
    await withApp({ controllers: [ExchangeController], providers }, async (t) => {
      const { id } = await t.users.rows.findOneByOrFail({ username: 'alice' });
      const exchange = (token: unknown) => t.http.post('/auth/exchange', { json: { token } });
      const answer = await exchange(await stateless.signAsync({ sub: id }));
      expect(answer.status).toBe(200);
      expect(await t.statusOf(answer.body.access_token)).toBe(204);
      // The token of before opens nothing by itself, and a foreign or expired one is not exchanged.
      expect(await t.statusOf(await stateless.signAsync({ sub: id }))).toBe(401);
      const foreign = new JwtService({ secret: 'another secret' });
      expect((await exchange(await foreign.signAsync({ sub: id }))).status).toBe(401);
      expect((await exchange(await stateless.signAsync({ sub: id }, { expiresIn: '-1s' }))).status).toBe(401);
      expect((await exchange(await stateless.signAsync({ sub: 4711 }))).status).toBe(401);
    });
  });

  it('answers with a single Bearer token that lives as long as its session', async () => {
    await withApp({ options: singleToken }, async (t) => {
      const answer = await t.http.post('/auth/login', { json: { username: 'alice', password: 'alice-password' } });
      expect(Object.keys(answer.body)).toEqual(['token']);
      const authorization: string = answer.body.token;
      const status = async () => (await t.http.get('/auth/verify', { headers: { authorization } })).status;
      expect(authorization).toMatch(/^Bearer /);
      expect(claimsOf(authorization.slice(7)).username).toBe('alice');
      t.clock.advance('9h');
      expect(await status()).toBe(204);
      t.clock.advance('1h');
      expect(await status()).toBe(401);
    });
  });

  it('answers with expirations, and keeps the refresh token', async () => {
    await withApp({ options: { ...withExpirations, clock: new SystemClock() } }, async (t) => {
      const login = await t.login();
      expect(Date.parse(login.access_token_expiration) - Date.now()).toBeGreaterThan(290_000);
      expect(Date.parse(login.refresh_token_expiration) - Date.now()).toBeGreaterThan(86_000_000);
      const again = await t.http.post('/auth/refresh', { json: { refresh_token: login.refresh_token } });
      expect(claimsOf(again.body.refresh_token).token_key).toBe(claimsOf(login.refresh_token).token_key);
    });
  });

  it('rotates its keys without refusing a token', async () => {
    const newKey = () =>
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const steps = rotation(String(newKey()), String(newKey()));
    const sessions = new InMemorySessionRepository();
    const extras = { storage: { useFactory: () => sessions } };
    let token = '';
    await withApp({ options: { keys: steps.announced }, extras }, async (t) => {
      token = (await t.login()).access_token;
      expect(headerOf(token).kid).toBe('2026-11');
    });
    await withApp({ options: { keys: steps.promoted }, extras }, async (t) => {
      expect(await t.statusOf(token)).toBe(204);
      expect(headerOf((await t.login()).access_token).kid).toBe('2026-12');
    });
    await withApp({ options: { keys: steps.finished }, extras }, async (t) =>
      expect(await t.statusOf(token)).toBe(401),
    );
  });

  it('issues for several audiences, and accepts a token for any of its own', async () => {
    const sessions = new InMemorySessionRepository();
    const extras = { storage: { useFactory: () => sessions } };
    let token = '';
    let forBilling = '';
    await withApp({ options: severalAudiences, extras }, async (t) => {
      token = (await t.login()).access_token;
      expect(claimsOf(token).aud).toEqual(severalAudiences.audience);
      expect(await t.statusOf(token)).toBe(204);
      const json = { refresh_token: (await t.login()).refresh_token, resource: 'https://billing.example.com' };
      forBilling = (await t.http.post('/auth/refresh', { json })).body.access_token;
      expect(await t.statusOf(forBilling)).toBe(401);
    });
    const as = (audience: string) => ({
      options: { ...severalAudiences, audience, ownAudience: audience },
      extras,
    });
    await withApp(as('https://billing.example.com'), async (t) => {
      expect([await t.statusOf(token), await t.statusOf(forBilling)]).toEqual([204, 204]);
    });
    await withApp(as('https://other.example.com'), async (t) => expect(await t.statusOf(token)).toBe(401));
  });

  it('limits introspect and revoke, by the address that asks, and no other route', async () => {
    const settings = {
      options: oauthOptions,
      extras: { routes: limitedClients.routes },
      imports: limitedClients.imports,
    };
    await withApp(settings, async (t) => {
      const ask = (path: string, authorization = GATEWAY) => postForm(t.http, path, { token: 'x' }, { authorization });
      const guess = (index: number) => ask('/auth/introspect', basic('gateway', `a wrong secret ${index}`));
      for (let i = 0; i < 300; i++) expect((await guess(i)).status).toBe(401);
      const refused = await guess(300);
      expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
      expect((await ask('/Auth/Introspect/')).status).not.toBe(200);
      expect((await ask('/auth/introspect')).status).toBe(429);
      expect((await ask('/auth/revoke')).status).toBe(200);
      expect(t.events.filter(({ name }) => name === 'client.rejected')).toHaveLength(300);
      expect(await t.statusOf((await t.login()).access_token)).toBe(204);
    });
  });

  it('ends the other sessions at a password change, and logins under way with the old password', async () => {
    await withApp({ controllers: [PasswordController], options: { clock: new SystemClock() } }, async (t) => {
      const [mine, other] = [await t.login(), await t.login()];
      const user = await t.users.rows.findOneByOrFail({ username: 'alice' });
      const arrival = await t.tokens.arrival();
      const change = { token: mine.access_token, json: { password: 'a new one' } };
      const { status, body: fresh } = await t.http.put('/me/password', change);
      expect(status).toBe(200);
      await expect(t.tokens.issue(user, {}, { arrival })).rejects.toMatchObject({ code: 'invalid_credentials' });
      for (const { access_token: token } of [mine, other]) expect(await t.statusOf(token)).toBe(401);
      expect(await t.statusOf(fresh.access_token)).toBe(204);
      const login = (password: string) => t.http.post('/auth/login', { json: { username: 'alice', password } });
      expect([(await login('alice-password')).status, (await login('a new one')).status]).toEqual([401, 200]);
    });
  });

  /** Sends logins of strangers and holds the hashing up, until `run` opens the gate. */
  async function withStrangers(
    isLimited: boolean,
    run: (t: TestApp, users: GatedUsers, strangers: PendingLogin[]) => Promise<void>,
  ): Promise<void> {
    const extras = gatedUsers(isLimited);
    await withApp({ extras }, async (t) => {
      const { port } = t.app.getHttpServer().address() as AddressInfo;
      const strangers = Array.from({ length: 40 }, (_, index) => new PendingLogin(port, `stranger ${index}`));
      await run(t, t.app.get(extras.userProvider, { strict: false }), strangers);
    });
  }
  const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });
  const honest = (t: TestApp) =>
    t.http.post('/auth/login', { json: { username: 'alice', password: 'alice-password' } });

  it('hashes few passwords at once, lets few wait, refuses the others with 503, and none for a client that is gone', async () => {
    await withStrangers(true, async (t, users, strangers) => {
      const answered = () => strangers.filter(({ status }) => status !== undefined);
      await eventually(() => answered().length).toBe(40 - AT_ONCE - WAITING);
      expect(new Set(answered().map(({ status, retryAfter }) => `${status} ${retryAfter}`))).toEqual(
        new Set(['503 1']),
      );
      expect(users.hashed).toHaveLength(AT_ONCE);
      const waiting = strangers.filter((one) => one.status === undefined && !users.hashed.includes(one.password));
      expect(waiting).toHaveLength(WAITING);
      const gone = [waiting[0]!, waiting[2]!];
      gone.forEach((one) => one.giveUp());
      await eventually(() => connectionsOf(t)).toBe(AT_ONCE + WAITING - gone.length);
      const { status, headers, body } = await honest(t);
      expect([status, headers['retry-after'], body.code]).toEqual([503, '1', 'too_busy']);
      users.open();
      await eventually(() => answered().length).toBe(40 - gone.length);
      expect(answered().filter((one) => one.status === 401)).toHaveLength(AT_ONCE + WAITING - gone.length);
      expect((await honest(t)).status).toBe(200);
      expect(users.hashed).toHaveLength(AT_ONCE + WAITING - gone.length + 1);
      for (const { password } of gone) expect(users.hashed).not.toContain(password);
    });
  });

  it('control: without the limits, every stranger is hashed before the user, gone or not', async () => {
    await withStrangers(false, async (t, users, strangers) => {
      await eventually(() => users.hashed.length).toBe(40);
      strangers[0]!.giveUp();
      const login = honest(t);
      await eventually(() => users.hashed.length).toBe(41);
      expect(users.hashed.at(-1)).toBe('alice-password');
      users.open();
      expect((await login).status).toBe(200);
      await eventually(() => strangers.filter(({ status }) => status === 401).length).toBe(39);
    });
  });

  it('sets a new password by a link, once, and leaves no session of before', async () => {
    const links = new JwtService({ secret: 'a secret of its own', signOptions: { algorithm: 'HS256' } });
    const sent: string[] = [];
    const mailer: Mailer = { sendLink: async (_user, token) => void sent.push(token) };
    const providers = [
      { provide: JwtService, useValue: links },
      { provide: Mailer, useValue: mailer },
    ];
    await withApp({ controllers: [ForgottenPasswordController], providers }, async (t) => {
      const [mine, thief] = [await t.login(), await t.login()];
      const user = await t.users.rows.findOneByOrFail({ username: 'alice' });
      const arrival = await t.tokens.arrival();
      const forgotten = (username: string) => t.http.post('/password/forgotten', { json: { username } });
      expect([(await forgotten('nobody')).status, (await forgotten('alice')).status]).toEqual([202, 202]);
      await expect.poll(() => sent.length).toBe(1);
      const reset = async (token: unknown, password = 'a new one') =>
        (await t.http.post('/password/reset', { json: { token, password } })).status;
      const foreign = await new JwtService({ secret: 'another secret' }).signAsync({ sub: String(user.id) });
      const late = await links.signAsync({ sub: String(user.id) }, { expiresIn: '-1s' });
      for (const bad of [foreign, late, undefined, mine.access_token]) expect(await reset(bad)).toBe(401);
      expect((await Promise.all([reset(sent[0]), reset(sent[0])])).toSorted()).toEqual([204, 401]);
      expect(await reset(sent[0], 'another one')).toBe(401);
      for (const { access_token: token } of [mine, thief]) expect(await t.statusOf(token)).toBe(401);
      await expect(t.tokens.issue(user, {}, { arrival })).rejects.toMatchObject({ code: 'invalid_credentials' });
      const login = (password: string) => t.http.post('/auth/login', { json: { username: 'alice', password } });
      expect([(await login('alice-password')).status, (await login('a new one')).status]).toEqual([401, 200]);
    });
  });

  it('logs in by OAuth, in the browser that began it, unless the sessions were ended in between', async () => {
    const oauth: OAuthClient = {
      authorizationUrl: (state) => `https://id.example.com/authorize?state=${state}`,
      exchange: async (code) => ({ subject: code }),
    };
    const begun = new Map<string, LoginArrival>();
    const logins: PendingLogins = {
      keep: async (state, arrival) => void begun.set(state, arrival),
      take: async (state) => {
        const arrival = begun.get(state) ?? null;
        begun.delete(state);
        return arrival;
      },
    };
    const providers = [
      { provide: OAuthClient, useValue: oauth },
      { provide: PendingLogins, useValue: logins },
    ];
    await withApp({ controllers: [OAuthLoginController], providers }, async (t) => {
      const begin = async () => {
        const { status, headers } = await t.http.get('/oauth/login');
        expect(status).toBe(302);
        const [cookie] = String(headers['set-cookie']).split(';');
        return { state: new URL(String(headers.location)).searchParams.get('state')!, cookie: cookie! };
      };
      const end = ({ state, cookie }: { state: string; cookie: string }, code = 'alice') =>
        t.http.get(`/oauth/callback?code=${code}&state=${state}`, { headers: { cookie } });
      const own = await begin();
      expect((await end({ ...own, cookie: (await begin()).cookie })).status).toBe(401);
      expect((await end({ ...own, cookie: '' })).status).toBe(401);
      const { status, body, headers } = await end(own);
      expect([status, headers['cache-control'], await t.statusOf(body.access_token)]).toEqual([200, 'no-store', 204]);
      expect((await end(own)).status).toBe(401);
      const under = [await begin(), await begin()];
      await t.tokens.revokeAll(claimsOf(body.access_token).sub);
      expect((await end(under[0]!)).body.code).toBe('invalid_credentials');
      expect((await end(under[1]!, 'nobody')).status).toBe(401);
      expect((await end(await begin())).status).toBe(200);
    });
  });
});
