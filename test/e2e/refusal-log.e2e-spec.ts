import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { createVerifier } from '../support/create-verifier';
import { createSharedDatabase } from '../support/databases';
import { configuredKeys } from '../support/forge';
import { typeOrm } from '../../lib/typeorm';
import { publicKeys } from '../support/verified-services';
import { notingLogger } from '../support/noting-logger';

describe.each(everyEnvironment)('the log of refused tokens: $title', ({ platform, kind }) => {
  let t: TestApp;
  const lines: string[] = [];
  const debug = (line: unknown, context: unknown) => context === 'JwtKnox' && lines.push(String(line));
  const logger = notingLogger(debug, 'debug');
  const settings: AppSettings = { logger, options: { keys: configuredKeys, session: { bindUserAgent: 'reject' } } };

  beforeAll(async () => {
    t = await createApp(platform, kind, settings);
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(() => {
    lines.length = 0;
  });

  const refuse = async (token: string, headers = {}) =>
    expect((await t.http.get('/notes', { token, headers })).status).toBe(401);

  it('says which check refused a token, and whose it was once its signature held', async () => {
    const { access_token: token, session_id: id } = await t.login();
    const user = String((await t.users.rows.findOneByOrFail({ username: 'alice' })).id);
    await refuse('junk');
    await refuse(`${token.split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`);
    await refuse(token, { 'user-agent': 'another' });
    await t.http.post('/auth/refresh', { json: { refresh_token: token } });
    await t.http.post('/auth/logout', { token });
    await refuse(token);
    const whose = `Session ${id}, user "${user}".`;
    expect(lines).toEqual([
      '[jwt-knox:token-refused] An access token was refused: malformed.',
      '[jwt-knox:token-refused] An access token was refused: signature.',
      `[jwt-knox:token-refused] An access token was refused: user_agent_mismatch. ${whose}`,
      '[jwt-knox:token-refused] A refresh token was refused: header.',
      `[jwt-knox:token-refused] An access token was refused: session_not_found. ${whose}`,
    ]);
  });

  it('S11: holds no part of a token', async () => {
    const { access_token: token, refresh_token: refresh } = await t.login();
    t.clock.advance('1h');
    await refuse(token);
    await refuse(refresh);
    await refuse(`${token} junk`);
    await t.http.post('/auth/refresh', { json: { refresh_token: `${refresh}x` } });
    expect(lines).toHaveLength(4);
    for (const part of [...token.split('.'), ...refresh.split('.')])
      for (let at = 0; at + 12 <= part.length; at += 12) expect(lines.join()).not.toContain(part.slice(at, at + 12));
  });

  it('says nothing of a request that was let in, or that carried no token', async () => {
    const { access_token: token } = await t.login();
    await t.http.get('/notes', { token });
    await t.http.get('/notes');
    await t.http.get('/notes', { token, headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } });
    expect(lines).toEqual([]);
  });

  it('does not grow with the number of refused tokens', async () => {
    const start = performance.now();
    for (let i = 0; i < 200; i++) await refuse(`junk-${i}`);
    const seconds = Math.floor((performance.now() - start) / 1_000);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(10 * (seconds + 2));
  });

  it('is kept by a second service as well', async () => {
    const database = await createSharedDatabase(kind);
    const service = await createVerifier(platform, {
      knox: { storage: typeOrm(), keys: publicKeys },
      database,
      typeorm: { synchronize: true },
      logger,
    });
    try {
      await service.http.get('/notes', { token: 'junk' });
      expect(lines).toEqual(['[jwt-knox:token-refused] An access token was refused: malformed.']);
    } finally {
      await service.close();
      await database.drop();
    }
  });
});
