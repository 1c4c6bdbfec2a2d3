import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { timed } from '../support/timed';

describe.each(environments)(
  'S9: a storage that takes nearly the whole deadline for each call: $title',
  ({ platform, kind }) => {
    const { storage, control } = controlledRepository();
    let t: TestApp;

    beforeAll(async () => {
      t = await createApp(platform, kind, {
        options: { storageTimeout: '2s' },
        extras: { storage },
        entities: [JwtKnoxSession, JwtKnoxFence],
      });
      await t.users.add('alice');
    });
    afterAll(() => t.close());
    afterEach(() => control.heal());

    it('S9: every request has one deadline, however many calls it makes', async () => {
      const { access_token: token } = await t.login();
      const { session_id: other } = await t.login();
      control.intercept = async (_method, proceed) => {
        await delay(1_800);
        return proceed();
      };
      const {
        result: [verified, ...answers],
        awake,
      } = await timed(
        Promise.all([
          t.http.get('/auth/verify', { token }),
          t.http.get('/auth/sessions', { token }),
          t.http.post('/auth/logout-other', { token }),
          t.http.post('/auth/logout-all', { token }),
          t.http.delete(`/auth/sessions/${other}`, { token }),
          t.http.post('/auth/logout', { token }),
        ]),
      );
      expect(verified!.status, 'control: one call is in time').toBe(204);
      expect(answers.map(({ status, headers }) => [status, Number(headers['retry-after']) > 0])).toEqual(
        answers.map(() => [503, true]),
      );
      // Two deadlines, one after the other, take 3.6 s.
      expect(awake).toBeLessThan(3_400);
    });
  },
);
