import { describe, expect, it } from 'vitest';
import { InMemorySessionRepository } from '../../lib/testing';
import { createApp } from '../support/create-app';
import { platforms } from '../support/platforms';

describe.each(platforms)('a greatest lifetime that was shortened: $name', (platform) => {
  it('ends older sessions at their next refresh, which hands out no dead tokens', async () => {
    const repository = new InMemorySessionRepository();
    const storage = { useFactory: () => repository };
    const before = await createApp(platform, 'sqlite', {
      options: { session: { idleTimeout: '10d' } },
      extras: { storage },
    });
    const { clock } = before;
    const after = await createApp(platform, 'sqlite', {
      options: { clock, session: { maxLifetime: '1d' } },
      extras: { storage },
    });
    try {
      await before.users.add('alice');
      await after.users.add('alice');
      const { refresh_token: token } = await before.login();
      clock.advance('2d');
      const answer = await after.http.post('/auth/refresh', { json: { refresh_token: token } });
      expect([answer.status, answer.body.code]).toEqual([401, 'refresh_token_expired']);
      expect(answer.body).not.toHaveProperty('access_token');
      // The instance that does not know the new lifetime yet finds the session as it was.
      expect((await before.http.post('/auth/refresh', { json: { refresh_token: token } })).status).toBe(200);
    } finally {
      await before.close();
      await after.close();
    }
  });
});
