import { setTimeout as slowly } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import type { Platform } from '../support/platforms';
import { timed } from '../support/timed';
import { notingLogger } from '../support/noting-logger';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

/** The same, with a hand on the door of its storage. */
async function openControlled(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}) {
  const { storage, control } = controlledRepository();
  await open(platform, kind, {
    extras: { storage },
    entities: [JwtKnoxSession, JwtKnoxFence],
    ...settings,
  });
  return control;
}

const logIn = (username = 'alice') =>
  t.http.post('/auth/login', { json: { username, password: `${username}-password` } });

const verify = async (token: string) => (await t.http.get('/auth/verify', { token })).status;

const countRows = () => t.source.getRepository(JwtKnoxSession).count();

describe.each(environments)('a slow or broken storage: $title', ({ platform, kind }) => {
  let free = deferred();
  afterEach(async () => {
    free.resolve();
    free = deferred();
    await t.close();
  });

  it.each(['access', 'refresh'] as const)(
    'answers a logout by %s token within one deadline, however many look-ups it takes',
    async (sent) => {
      const control = await openControlled(platform, kind, { options: { storageTimeout: '2s' } });
      await t.users.add('alice');
      const tokens = await t.login();
      if (sent === 'refresh') t.clock.advance('6m');
      control.intercept = async (method, proceed) => {
        if (method === 'findById') await slowly(1_600);
        if (method === 'deleteById') await free.promise;
        return proceed();
      };
      const { result: answer, awake } = await timed(
        t.http.post('/auth/logout', {
          token: tokens.access_token,
          json: { refresh_token: tokens.refresh_token },
        }),
      );
      expect([answer.status, answer.body.code]).toEqual([503, 'storage_unavailable']);
      // Two deadlines would be 3.6 s.
      expect(awake).toBeLessThan(3_400);
      expect(control.calls.slice(-2)).toEqual(['findById', 'deleteById']);
    },
  );

  it('notes one use of a session at a time, and few in all', async () => {
    const control = await openControlled(platform, kind);
    await t.users.add('alice');
    const tokens: string[] = [];
    for (let i = 0; i < 6; i++) tokens.push((await t.login()).access_token);
    t.clock.advance('61s');
    let underWay = 0;
    control.intercept = async (method, proceed) => {
      if (method === 'touch') await (underWay++, free.promise);
      return proceed();
    };
    const simultaneous = await Promise.all(Array.from({ length: 5 }, () => verify(tokens[0]!)));
    expect(simultaneous).toEqual(Array(5).fill(204));
    expect(underWay).toBe(1);
    for (const token of [...tokens, ...tokens]) expect(await verify(token)).toBe(204);
    expect(underWay).toBe(4);
    // Later uses are noted again.
    control.heal();
    free.resolve();
    await expect.poll(() => verify(tokens[5]!).then(() => lastUseOf(t.source, tokens[5]!))).toBe(t.clock.now());
  });

  it.skipIf(kind === 'sqlite')('takes no connection from others while rows are locked', async () => {
    await open(platform, kind);
    await t.users.add('alice');
    await t.users.add('bob');
    const bob = (await t.login('bob')).access_token;
    const tokens: string[] = [];
    for (let i = 0; i < 6; i++) tokens.push((await t.login()).access_token);
    t.clock.advance('61s');
    const runner = t.source.createQueryRunner();
    await runner.startTransaction();
    try {
      await runner.query('SELECT * FROM jwt_knox_sessions FOR UPDATE');
      for (let round = 0; round < 3; round++) {
        for (const token of tokens) expect(await verify(token)).toBe(204);
        expect(await verify(bob)).toBe(204);
      }
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
    await expect.poll(() => lastUseOf(t.source, tokens[0]!)).toBe(t.clock.now());
  });

  it('warns once a second at most when uses cannot be noted', async () => {
    const warnings: string[] = [];
    const logger = notingLogger((line) => warnings.push(String(line)), 'warn');
    const control = await openControlled(platform, kind, { logger });
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    t.clock.advance('61s');
    control.intercept = async (method, proceed) => {
      if (method === 'touch') throw new Error('cannot execute UPDATE in a read-only transaction');
      return proceed();
    };
    const start = performance.now();
    for (let i = 0; i < 20; i++) expect(await verify(token)).toBe(204);
    const seconds = (performance.now() - start) / 1_000;
    expect(control.calls.filter((method) => method === 'touch').length).toBeGreaterThan(10);
    const told = warnings.filter((line) => line.includes('read-only transaction'));
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(1 + Math.floor(seconds));
  });

  it('deletes the session of a login that was answered with 503, also when the first try fails', async () => {
    const control = await openControlled(platform, kind, { options: { session: { limitPerUser: 1 } } });
    await t.users.add('alice');
    let refusals = 0;
    control.intercept = async (method, proceed) => {
      if (method === 'insert') {
        await proceed();
        throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
      }
      if (method === 'deleteById' && refusals++ === 0)
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      return proceed();
    };
    expect((await logIn()).status).toBe(503);
    await expect.poll(countRows).toBe(0);
    expect(refusals).toBe(2);
    control.heal();
    expect((await logIn()).status).toBe(200);
  });
});

async function lastUseOf(source: TestApp['source'], token: string): Promise<number> {
  const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
  return (await source.getRepository(JwtKnoxSession).findOneByOrFail({ id: sid })).lastUsedAt;
}
