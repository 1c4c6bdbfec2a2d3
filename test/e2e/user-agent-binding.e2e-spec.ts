import { describe, expect, it } from 'vitest';
import { createApp, environments } from '../support/create-app';

describe.each(environments)('the TokenService under bindUserAgent: warn: $title', ({ platform, kind }) => {
  it('accepts another user-agent, and says so', async () => {
    const t = await createApp(platform, kind, { options: { session: { bindUserAgent: 'warn' } } });
    try {
      const tokens = await t.tokens.issue(await t.users.add('alice'), { userAgent: 'phone' });
      t.events.length = 0;
      const presenter = { userAgent: 'other', ip: null };
      await t.tokens.authenticate(tokens.accessToken, presenter);
      await t.tokens.authenticate(tokens.accessToken, { userAgent: 'phone' });
      expect(t.events).toEqual([{ name: 'user-agent.changed', event: { session: tokens.session, presenter } }]);
    } finally {
      await t.close();
    }
  });
});

describe.each(environments)('user-agent binding: $title', ({ platform, kind }) => {
  it.each(['warn', 'reject'] as const)('%s', async (bindUserAgent) => {
    const t = await createApp(platform, kind, { options: { session: { bindUserAgent } } });
    try {
      await t.users.add('alice');
      const { access_token: token, refresh_token } = await t.login('alice', { 'user-agent': 'Firefox' });
      const verify = async (userAgent: string) =>
        (await t.http.get('/auth/verify', { token, headers: { 'user-agent': userAgent } })).status;
      expect(await verify('Firefox')).toBe(204);
      expect(await verify('curl')).toBe(bindUserAgent === 'reject' ? 401 : 204);
      const refresh = await t.http.post('/auth/refresh', {
        json: { refresh_token },
        headers: { 'user-agent': 'curl' },
      });
      expect(refresh.status).toBe(bindUserAgent === 'reject' ? 401 : 200);
      const names = t.events.map((one) => (one.name === 'authentication.rejected' ? one.event.reason : one.name));
      expect(names).toContain(bindUserAgent === 'reject' ? 'user_agent_mismatch' : 'user-agent.changed');
      // The session is not ended: its owner goes on.
      expect(await verify('Firefox')).toBe(204);
    } finally {
      await t.close();
    }
  });
});
