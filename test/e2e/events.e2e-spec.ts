import { describe, expect, it } from 'vitest';
import { type IssuedTokens, JwtKnoxEvents } from '../../lib';
import { environments, type TestApp } from '../support/create-app';
import type { User } from '../support/users';
import { isAuthentic, useApp } from '../support/use-app';

describe.each(environments)('the events: $title', ({ platform, kind }) => {
  let t: TestApp;
  let user: User;
  useApp({ platform, kind }, (app, added) => ([t, user] = [app, added]), {
    options: { session: { bindUserAgent: 'reject' } },
  });

  const isGood = ({ accessToken }: IssuedTokens) => isAuthentic(t, accessToken);

  it('emits what happens over HTTP, with the reason', async () => {
    const userId = String(user.id);
    const json = { username: user.username, password: 'wrong' };
    await t.http.post('/auth/login', { json, headers: { 'user-agent': 'x' } });
    await t.http.post('/auth/login', { json: { ...json, username: 'nobody at all' } });
    await t.users.rows.update(user.id, { isActive: false });
    await t.http.post('/auth/login', { json: { ...json, password: `${user.username}-password` } });
    await t.users.rows.update(user.id, { isActive: true });
    const [a, b, c] = [await t.login(user.username), await t.login(user.username), await t.login(user.username)];
    await t.http.delete(`/auth/sessions/${b.session_id}`, { token: a.access_token });
    await t.http.post('/auth/logout', { token: c.access_token });
    await t.http.post('/auth/logout-all', { token: a.access_token });
    await t.http.get('/auth/verify', { token: a.access_token });
    await t.http.get('/auth/verify');
    const presenter = { userAgent: null, ip: expect.stringContaining('127.0.0.1') };
    const username = user.username;
    const isNewDevice = expect.any(Function);
    const by = (session: { session_id: string }) => ({ userId, sessionId: session.session_id });
    expect(t.events.map(({ name, event: { user: _user, session, ...event } }) => [name, event, session?.id])).toEqual([
      ['login.failed', { username, presenter: { ...presenter, userAgent: 'x' }, reason: 'credentials' }, undefined],
      ['login.failed', { username: 'nobody at all', presenter, reason: 'credentials' }, undefined],
      ['login.failed', { username, presenter, reason: 'inactive' }, undefined],
      ['session.created', { isNewDevice }, a.session_id],
      ['session.created', { isNewDevice }, b.session_id],
      ['session.created', { isNewDevice }, c.session_id],
      [
        'session.revoked',
        {
          scope: { sessionId: b.session_id },
          userId,
          sessionId: b.session_id,
          count: 1,
          since: expect.any(Number),
          reason: 'logout',
          actor: by(a),
        },
        undefined,
      ],
      [
        'session.revoked',
        {
          scope: { sessionId: c.session_id },
          userId,
          sessionId: c.session_id,
          count: 1,
          since: expect.any(Number),
          reason: 'logout',
          actor: by(c),
        },
        undefined,
      ],
      [
        'session.revoked',
        {
          scope: { realm: '', userId },
          userId,
          sessionId: null,
          count: 1,
          since: expect.any(Number),
          reason: 'logout_all',
          actor: by(a),
        },
        undefined,
      ],
      [
        'authentication.rejected',
        { reason: 'session_not_found', tokenType: 'access', sessionId: a.session_id, userId, presenter },
        undefined,
      ],
    ]);
  });

  it('lets no listener disturb it', async () => {
    const events = t.app.get(JwtKnoxEvents);
    const stop = [
      events.on('session.created', () => {
        throw new Error('a listener that throws');
      }),
      events.on('session.created', () => Promise.reject(new Error('a listener that rejects'))),
    ];
    expect(await isGood(await t.tokens.issue(user))).toBe(true);
    expect(t.events).toHaveLength(1);
    for (const one of stop) one();
  });
});
