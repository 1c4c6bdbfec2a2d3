import { inspect } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type IssuedTokens,
  JwtKnoxEvents,
  JwtKnoxGuard,
  JwtKnoxModule,
  JwtKnoxStrategy,
  SessionRepository,
  TokenService,
  TokenTransport,
  UserProvider,
} from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { JwtCodec } from '../../lib/tokens/jwt-codec';
import { Keyring } from '../../lib/tokens/keyring';
import { JWT_KNOX_OPTIONS } from '../../lib/options/resolve-options';
import { InMemorySessionRepository } from '../../lib/testing';
import { SessionIssuer } from '../../lib/sessions/session-issuer';
import { SessionLimiter } from '../../lib/sessions/session-limiter';
import { SessionChecker } from '../../lib/sessions/session-checker';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, SECRET, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { notingLogger } from '../support/noting-logger';

/** In memory, and out of sight: what is inspected below is the library, not the storage. */
class HiddenRepository extends InMemorySessionRepository {
  constructor() {
    super();
    const rows = this['rows'];
    Object.defineProperty(this, 'rows', { get: () => rows });
  }
}

@Injectable()
class PlainUsers extends UserProvider<{ id: string }> {
  async validateCredentials() {
    return { id: 'alice' };
  }
  async findById(id: string) {
    return { id };
  }
}

@Module({ providers: [PlainUsers], exports: [PlainUsers] })
class PlainUsersModule {}

const EVERYTHING = {
  depth: 20,
  showHidden: true,
  maxArrayLength: null,
  maxStringLength: null,
  getters: false,
} as const;

/** What must never be seen: the secret, the tokens with their parts, their keys, and the digests of the row. */
function secretsOf(tokens: IssuedTokens, row: Record<string, any>): string[] {
  const raw = [tokens.accessToken, tokens.refreshToken!];
  const { token_key: a } = claimsOf(raw[0]!);
  const { token_key: r, session_key: f } = claimsOf(raw[1]!);
  const keys = [a, r, f].flatMap((key: string) => [key, Buffer.from(key, 'base64url').toString('hex')]);
  return [
    SECRET,
    'alice-password',
    ...raw.flatMap((one) => one.split('.').slice(1)),
    ...keys,
    row.accessDigest,
    row.refreshDigest,
  ];
}

function expectNoneOf(secrets: string[], text: string): void {
  for (const secret of secrets) expect(text.includes(secret)).toBe(false);
}

describe.each(environments)('S11: secrets stay out of sight: $title', ({ platform, kind }) => {
  let t: TestApp;
  const lines: unknown[] = [];
  const logger = notingLogger((...args) => lines.push(args));
  const { storage, control } = controlledRepository();

  beforeEach(() => {
    lines.length = 0;
    control.heal();
  });
  afterEach(() => t.close());

  it('S11: in the error of a database that refuses a statement', async () => {
    t = await createApp(platform, kind, { logger });
    const user = await t.users.add('alice');
    const tokens = await t.tokens.issue(user);
    const row = { ...(await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: tokens.session.id })) };
    await t.source.query('DROP TABLE jwt_knox_sessions');
    const refused = await t.tokens.issue(user).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'storage_unavailable' });
    const text = inspect(refused, EVERYTHING) + JSON.stringify(refused) + inspect(lines, EVERYTHING);
    expectNoneOf(secretsOf(tokens, row), text);
    // SHA-256 in hex: a digest of the session that was not written.
    expect(text).not.toMatch(/\b[0-9a-f]{64}\b/);
  });

  it('S11: in events, errors, logs and issued tokens', async () => {
    t = await createApp(platform, kind, {
      logger,
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    const user = await t.users.add('alice');
    const request = { username: 'alice', password: 'alice-password' };
    const tokens = await t.tokens.login(request, {}, {});
    const { accessToken: access, refreshToken: refresh } = tokens;
    const row = { ...(await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: tokens.session.id })) };
    const secrets = secretsOf(tokens, row);
    expect(secrets.every((one) => typeof one === 'string' && one.length >= 14)).toBe(true);
    const errors: unknown[] = [];
    const fail = async (work: Promise<unknown>) =>
      void errors.push(
        await work.then(
          () => 'no error',
          (error) => error,
        ),
      );
    await fail(t.tokens.authenticate(refresh!));
    await fail(t.tokens.authenticate(`${access}x`));
    await fail(t.tokens.login({ ...request, username: 'bob' }, {}, {}));
    await fail(t.tokens.issue(user, {}, { claims: { sub: 'x' } }));
    await t.http.get('/notes', { token: access });
    await t.http.post('/auth/logout-other', { token: access });
    t.clock.advance('5m');
    await fail(t.tokens.authenticate(access));
    await t.http.post('/auth/logout', { json: { refresh_token: refresh } });
    await fail(t.tokens.authenticate(access));
    const { accessToken: fresh } = await t.tokens.issue(user);
    control.intercept = async (method) => Promise.reject(new Error(`no ${method} today`));
    await fail(t.tokens.issue(user));
    expect((await t.http.get('/notes', { token: fresh })).status).toBe(503);
    expect(errors).toHaveLength(7);
    expect(errors.filter((one) => !(one instanceof Error))).toEqual([]);
    expect(t.events.length).toBeGreaterThan(5);
    for (const seen of [t.events, errors, lines, tokens, { tokens }, [tokens.session]]) {
      expectNoneOf(secrets, inspect(seen, EVERYTHING));
      expectNoneOf(secrets, JSON.stringify(seen));
    }
    expect(inspect(lines)).toContain('Session storage unavailable');
    expect(`${tokens}`).not.toContain(access);
  });

  it('S11: in objects that lead to the data source and to requests', async () => {
    t = await createApp(platform, kind, { logger });
    await t.users.add('alice');
    const { access_token: token } = await t.login('alice');
    expect((await t.http.get('/notes', { token })).status).toBe(200);
    const parts = [SessionRepository, UserProvider, SessionIssuer, TokenService, JwtKnoxGuard];
    for (const part of parts) {
      const object: unknown = t.app.get(part as never, { strict: false });
      const text = inspect(object, EVERYTHING) + JSON.stringify({ object });
      expect(text).not.toMatch(/DataSource|IncomingMessage/);
      expectNoneOf([token], text);
    }
  });

  it('S11: in the options, the services, the guard and the strategy', async () => {
    t = await createApp(platform, kind, {
      extras: {
        storage: { useFactory: () => new HiddenRepository() },
        imports: [PlainUsersModule],
        userProvider: PlainUsers,
      },
    });
    const tokens = await t.tokens.login({ username: 'alice', password: 'alice-password' }, {}, {});
    const found = await t.app.get(SessionRepository).findById(tokens.session.id);
    const secrets = secretsOf(tokens, found!.record);
    const parts = [
      JWT_KNOX_OPTIONS, TokenService, SessionIssuer, SessionChecker, SessionLimiter, JwtCodec, Keyring, JwtKnoxGuard, JwtKnoxStrategy,
      JwtKnoxEvents, TokenTransport, JwtKnoxModule,
    ]; // prettier-ignore
    for (const part of parts) {
      const text = inspect(t.app.get(part as never, { strict: false }), { ...EVERYTHING });
      expect(text.length).toBeGreaterThan(2);
      expectNoneOf(secrets, text);
    }
  });
});
