import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstOf } from '../../test/support/lengths.js';
import { AppProcess, MAIN, REVOKE_BEFORE, START_TIMEOUT } from './support/app-process.js';

describe('after a backup was restored', () => {
  let folder: string;
  let env: Record<string, string>;

  beforeAll(() => AppProcess.build(), START_TIMEOUT);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'jwt-knox-sample-'));
    env = { DATABASE_URL: `sqlite:${join(folder, 'data.sqlite')}` };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('one command ends every session from before a moment, and none from after it', async () => {
    const app = await AppProcess.start(env, MAIN);
    try {
      const [first, second] = [await app.login('alice'), await app.login('bob')];
      await delay(5);
      const moment = new Date().toISOString();
      const later = await app.login('alice');
      // A moment of the last second would mean now.
      await delay(1_100);
      const { code, output } = await AppProcess.run([...REVOKE_BEFORE, moment], env);
      expect([code, output]).toEqual([0, `2 sessions ended that were created before ${moment}.\n`]);
      const answers = [first, second, later].map(({ access_token: token }) => app.accepts(token));
      expect(await Promise.all(answers)).toEqual([false, false, true]);
    } finally {
      await app.stop();
    }
  });

  const NO_MOMENTS = [
    ['2026-11-22T04:05:06'], [], ['yesterday'], ['2026-02-30'], ['1764000000000'], ['2026-11-22', '04:05'], ['2026-13-01T00:00Z'],
  ]; // prettier-ignore

  it.each(firstOf(NO_MOMENTS, 1))('ends nothing and says why for %j', async (...words) => {
    const { code, output } = await AppProcess.run([...REVOKE_BEFORE, ...words], env);
    expect(code).toBe(1);
    expect(output).toMatch(/^Not a moment: "[^"]*"\. Give the moment in ISO 8601, with its time zone: [^\n]+\n$/);
  }); // prettier-ignore

  it('says what is wrong with the environment', async () => {
    const { code, output } = await AppProcess.run([...REVOKE_BEFORE, '2026-11-22'], { DATABASE_URL: 'oracle://x' });
    expect([code, output]).toEqual([1, expect.stringContaining('DATABASE_URL: cannot be read')]);
  });
});
