import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IntrospectionOptions } from '../../lib/verifier';
import { environments } from '../support/create-app';
import { onDatabase, type VerifierApp } from '../support/create-verifier';
import { type DatabaseKind, databaseKinds } from '../support/databases';
import { forge, headers, rightful } from '../support/forge';
import { type Fault, faults } from '../support/issuer-gate';
import { type Platform, platforms } from '../support/platforms';
import { timed } from '../support/timed';
import { CLIENT, createLandscape, type Landscape, REVOKER } from '../support/verified-services';
import { isLong } from '../support/lengths';
import { eventually } from '../support/eventually';
import { notingLogger } from '../support/noting-logger';

/** More failures in a row than the circuit lets through. */
const MANY = 12;

/** What makes two users one to a query. */
const LOOSE: Record<DatabaseKind, string[]> = {
  sqlite: ['CREATE INDEX loose ON jwt_knox_sessions ("userId" COLLATE NOCASE)'],
  postgres: [
    `CREATE COLLATION IF NOT EXISTS jwt_knox_loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
    'ALTER TABLE jwt_knox_sessions ALTER COLUMN "userId" TYPE varchar(255) COLLATE jwt_knox_loose',
  ],
  mariadb: ['ALTER TABLE jwt_knox_sessions MODIFY `userId` varchar(255) COLLATE utf8mb4_general_ci NOT NULL'],
};

let t: Landscape;
let token: string;

async function open(platform: Platform, kind: DatabaseKind) {
  t = await createLandscape(platform, kind);
  await t.issuer.users.add('alice');
  token = (await t.issuer.login()).access_token;
}

const status = async (service: VerifierApp, presented = token) =>
  (await service.http.get('/notes', { token: presented })).status;

describe.each(environments)('S9: a verifier that shares the database: $title', ({ platform, kind }) => {
  beforeEach(() => open(platform, kind));
  afterEach(() => t.close());

  it('is 503 while the table cannot be read, and well again after it; the issuer is not asked', async () => {
    const orders = await t.service('shared-database');
    await t.gate.down();
    expect(await status(orders)).toBe(200);
    await onDatabase(t.database, 'ALTER TABLE jwt_knox_sessions RENAME TO elsewhere');
    const answer = await orders.http.get('/notes', { token });
    expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([503, 'storage_unavailable', '1']);
    await onDatabase(t.database, 'ALTER TABLE elsewhere RENAME TO jwt_knox_sessions');
    expect(await status(orders)).toBe(200);
  });

  it('says at its start that the table is missing, or mixes users up', async () => {
    const errors: string[] = [];
    const logger = { log() {}, warn() {}, error: (line: string) => void errors.push(line) };
    await t.service('shared-database', {}, { logger });
    expect(errors).toEqual([]);
    for (const statement of LOOSE[kind]) await onDatabase(t.database, statement);
    await t.service('shared-database', {}, { logger });
    expect(errors).toEqual([
      expect.stringMatching(/^\[jwt-knox:storage-unfit] The table jwt_knox_sessions compares text otherwise.*userId/),
    ]);
    errors.length = 0;
    await onDatabase(t.database, 'ALTER TABLE jwt_knox_sessions RENAME TO elsewhere');
    await t.service('shared-database', {}, { logger });
    expect(errors).toEqual([expect.stringMatching(/^\[jwt-knox:sessions-unreadable] The sessions cannot be read: /)]);
  });
});

// What database the issuer has makes no difference to who asks it over HTTP, and the adapter hardly any: most of the time
// goes into waiting for deadlines, once more for the other adapter in the long form.
describe.each(isLong() ? platforms : platforms.slice(0, 1))('S9: a verifier whose issuer fails: $name', (platform) => {
  beforeEach(() => open(platform, databaseKinds[0]!));
  afterEach(() => t.close());

  async function expectUnavailable(service: VerifierApp, presented = token) {
    const { status: found, body, headers: sent } = await service.http.get('/notes', { token: presented });
    expect([found, body.code, sent['retry-after']]).toEqual([503, 'issuer_unavailable', '1']);
    expect(sent['www-authenticate']).toBeUndefined();
  }

  const active = { active: true, token_type: 'Bearer', exp: 9_999_999_999 };
  const failures: [string, Fault][] = [
    ['does not answer', faults.hangs],
    ['cuts the connection', faults.cutsOff],
    ['answers 500', faults.answers(500)],
    ['answers 404', faults.answers(404)],
    ['answers 401, for the client is unknown', faults.answers(401, { error: 'invalid_client' })],
    ['redirects', faults.redirects],
    ['answers what is no JSON', faults.answers(200, '<html>')],
    ['answers nothing', faults.answers(200, '')],
    ['never ends', faults.neverEnds],
    ['drips', faults.dripsSlowly],
  ];
  const lies: [string, Fault][] = [
    ['answers null', faults.answers(200, 'null')],
    ['answers another object', faults.answers(200, { hello: 'world' })],
    ['answers active as a string', faults.answers(200, { active: 'true' })],
    ['answers active without more', faults.answers(200, { active: true })],
    ['answers for another user', faults.answers(200, { ...active, sub: '2', sid: 'x' })],
    ['answers for another session', faults.answers(200, { ...active, sub: '1', sid: 'x' })],
  ];

  describe('introspect', () => {
    const service = (change: Partial<IntrospectionOptions> = {}) =>
      t.service('introspect', { introspection: { timeout: '1s', ...change } });

    it.each([...failures, ...lies])(
      'is 503 when the issuer %s, never 200 or 401, and well again after it',
      async (_title, fault) => {
        const orders = await service();
        t.gate.fault = fault;
        await expectUnavailable(orders);
        t.gate.fault = undefined;
        expect(await status(orders)).toBe(200);
      },
    );

    it('is 503 when nothing listens, and well again when the issuer is back', async () => {
      const orders = await service();
      await t.gate.down();
      for (let i = 0; i < MANY; i++) await expectUnavailable(orders);
      await t.gate.up();
      await eventually(async () => expect(await status(orders)).toBe(200));
    });

    it('asks a dead issuer no more than five times in a row, then once in a second, and holds nobody up meanwhile', async () => {
      const orders = await service({ timeout: '300ms' });
      t.gate.fault = faults.hangs;
      for (let i = 0; i < 5; i++) await expectUnavailable(orders);
      expect(t.gate.requests).toHaveLength(5);
      // Who does not ask does not wait. A busy machine may take longer than the pause: then one more asks.
      await Promise.all(Array.from({ length: 50 }, () => expectUnavailable(orders)));
      expect(t.gate.requests.length).toBeLessThanOrEqual(7);
      // After the pause one asks, and the others are still refused at once.
      const asked = t.gate.requests.length;
      await new Promise((passed) => setTimeout(passed, 1_000));
      await Promise.all(Array.from({ length: 50 }, () => expectUnavailable(orders)));
      expect(t.gate.requests.length - asked).toBeGreaterThanOrEqual(1);
      expect(t.gate.requests.length - asked).toBeLessThanOrEqual(3);
    });

    it('tells the wrong secret from a bad token: 503, and the log says why without the secret', async () => {
      const lines: string[] = [];
      const logger = notingLogger((...words) => lines.push(words.map(String).join(' ')));
      const secret = 'z9Qw4Xk7Lm2Rt6Vb8Nc1 +%';
      const orders = await t.service('introspect', { introspection: { client: { ...CLIENT, secret } } }, { logger });
      await expectUnavailable(orders);
      expect(lines.join('\n')).toContain('Issuer of the tokens unavailable: The issuer answered 401.');
      const authorization = t.gate.requests[0]!.authorization!;
      for (const hidden of [secret, authorization.slice(6), token]) expect(lines.join('\n')).not.toContain(hidden);
    });

    it('tells a client that may not ask from a bad token: 503, never 401 for its users', async () => {
      const orders = await service({ client: REVOKER });
      await expectUnavailable(orders);
    });

    it('refuses what is badly formed while the issuer is down, too', async () => {
      const orders = await service();
      await t.gate.down();
      expect(await status(orders, 'junk')).toBe(401);
      expect((await orders.http.get('/notes')).body.code).toBe('missing_token');
    });
  });

  describe('introspect, with a cache', () => {
    it('asks once for many requests, and again when the time is over', async () => {
      const orders = await t.service('introspect', { introspection: { cacheTtl: '4s' } });
      const many = await Promise.all(Array.from({ length: 20 }, () => status(orders)));
      expect(new Set(many)).toEqual(new Set([200]));
      expect(t.gate.requests).toHaveLength(1);
      await t.issuer.http.post('/auth/logout', { token });
      expect(await status(orders)).toBe(200);
      await eventually(async () => expect(await status(orders)).toBe(401));
      expect(await status(orders)).toBe(401);
    });

    it('keeps no answer beyond the end of the token', async () => {
      const orders = await t.service('introspect', { introspection: { cacheTtl: '60s' } });
      expect(await status(orders)).toBe(200);
      t.issuer.clock.advance('5m');
      expect((await orders.http.get('/notes', { token })).body.code).toBe('token_expired');
    });

    it('without one asks for every request, however many come at once', async () => {
      const orders = await t.service('introspect');
      await Promise.all(Array.from({ length: 20 }, () => status(orders)));
      expect(t.gate.requests).toHaveLength(20);
    });
  });

  describe('jwks', () => {
    const strange = (kid: string) => forge(token, rightful.rsa, { header: { ...headers.rsa, kid } });

    it.each([...failures, ['answers no key set', faults.answers(200, { keys: 'none' })] as [string, Fault]])(
      'is 503 as long as the issuer %s before the keys are known',
      async (_title, fault) => {
        t.gate.fault = fault;
        const orders = await t.service('jwks', { jwks: { timeout: '1s' } });
        await expectUnavailable(orders);
        t.gate.fault = undefined;
        await eventually(async () => expect(await status(orders)).toBe(200));
      },
    );

    it('starts while nothing listens, and is well when the issuer is there', async () => {
      await t.gate.down();
      const orders = await t.service('jwks');
      await expectUnavailable(orders);
      await t.gate.up();
      await eventually(async () => expect(await status(orders)).toBe(200));
    });

    it('goes on with the keys it knows while the issuer is down, outdated or not', async () => {
      const orders = await t.service('jwks', { jwks: { maxAge: '1s' } });
      expect(await status(orders)).toBe(200);
      await t.gate.down();
      for (const end = performance.now() + 2_500; performance.now() < end;) expect(await status(orders)).toBe(200);
    });

    it('is not held up by an issuer that hangs while it has keys, but for one request', async () => {
      // Long beside what a busy machine takes from a request that waits for nothing.
      const orders = await t.service('jwks', { jwks: { maxAge: '1s', timeout: '5s' } });
      expect(await status(orders)).toBe(200);
      t.gate.fault = faults.hangs;
      await new Promise((passed) => setTimeout(passed, 1_000));
      const slow: number[] = [];
      for (let i = 0; i < 100; i++) {
        const { result, awake } = await timed(status(orders));
        expect(result).toBe(200);
        if (awake > 1_500) slow.push(i);
        await new Promise((passed) => setTimeout(passed, 20));
      }
      expect(slow).toEqual([0]);
    });

    it('is asked at most once in the cooldown for keys that nobody has, which are 401', async () => {
      const orders = await t.service('jwks', { jwks: { cooldown: '3s' } });
      expect(await status(orders)).toBe(200);
      t.gate.requests.length = 0;
      await new Promise((passed) => setTimeout(passed, 3_000));
      const found = await Promise.all(Array.from({ length: 100 }, (_, i) => status(orders, strange(`made-up-${i}`))));
      expect(new Set(found)).toEqual(new Set([401]));
      expect(t.gate.requests).toHaveLength(1);
      expect(await status(orders)).toBe(200);
    });

    it('is 503 for a key that nobody knows while the issuer is down, and asks once in a second', async () => {
      const orders = await t.service('jwks', { jwks: { cooldown: '1s' } });
      expect(await status(orders)).toBe(200);
      await new Promise((passed) => setTimeout(passed, 1_000));
      t.gate.fault = faults.answers(500);
      t.gate.requests.length = 0;
      const start = performance.now();
      for (let i = 0; i < 50; i++) await expectUnavailable(orders, strange(`made-up-${i}`));
      expect(t.gate.requests.length).toBeLessThanOrEqual(2 + (performance.now() - start) / 1_000);
      expect(await status(orders)).toBe(200);
    });
  });
});
