import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';

const { waits } = vi.hoisted(() => ({ waits: [] as unknown[] }));

// Time is all that is not real: nobody waits half a minute here.
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: unknown) => {
    waits.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
  },
}));

describe.each(environments)('S9: the leftover of a login that was answered with 503: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());

  it('S9: is gone after an outage of half a minute', async () => {
    const sessions = () => t.source.getRepository(JwtKnoxSession).count();
    const deletes = () => control.calls.filter((method) => method === 'deleteById').length;
    const lost = () => Promise.reject(Object.assign(new Error('lost'), { code: 'ECONNRESET' }));
    waits.length = 0;
    control.intercept = async (method, proceed) => {
      if (method === 'insert') return proceed().then(lost);
      return method === 'deleteById' && deletes() <= 5 ? lost() : proceed();
    };
    const json = { username: 'alice', password: 'alice-password' };
    expect((await t.http.post('/auth/login', { json })).status).toBe(503);
    await expect.poll(sessions).toBe(0);
    expect([deletes(), waits]).toEqual([6, [0, 100, 400, 1_600, 6_400, 25_600]]);
  });
});
