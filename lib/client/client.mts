import { authenticatedFetch } from './authenticated-fetch.mjs';
import { accepted, codeOf } from './error.mjs';
import { Refresher } from './refresher.mjs';
import { SharedSession } from './shared-session.mjs';
import type { ClientSession, JwtKnoxClient, JwtKnoxClientOptions, SessionsQuery } from './types.mjs';
import { type Wire, wireOf } from './wire.mjs';

/**
 * A client for browsers, workers and Node.js. Create one, when your application starts.
 * @example
 * const client = createJwtKnoxClient({ baseUrl: '/auth', mode: 'cookie' });
 * client.onChange((sessionId) => (sessionId === null ? showLogin() : showNotes()));
 * await client.login({ username: 'alice', password: 'correct horse' });
 * const notes = await client.fetch('/notes').then((response) => response.json());
 */
export function createJwtKnoxClient(options: JwtKnoxClientOptions): JwtKnoxClient {
  const wire = wireOf(options);
  const session = new SharedSession(options);
  const refresher = new Refresher(wire, session);
  const fetch = authenticatedFetch(wire, session, refresher);
  return {
    fetch,
    onChange: (listener) => session.onChange(listener),
    ...doors(wire, session),
    ...sessionRoutes(wire, session, fetch),
  };
}

/** In and out, under the lock of refreshes: none that is under way may bring a session back. */
function doors(wire: Wire, session: SharedSession): Pick<JwtKnoxClient, 'login' | 'logout'> {
  return {
    login: (credentials) =>
      session.locked(async () => {
        const body = await accepted(await wire.post('login', { json: credentials }));
        await session.start(body);
        return body.session_id;
      }),
    logout: () =>
      session.locked(async () => {
        const { accessToken, refreshToken: refresh_token } = await session.read();
        const response = await wire.post('logout', {
          ...(refresh_token && { json: { refresh_token } }),
          ...(!refresh_token && { headers: bearer(accessToken) }),
        });
        // A gateway's 401 has no code, and has logged out nobody.
        if (response.status !== 401 || !(await codeOf(response))) await accepted(response);
        await session.end();
      }),
  };
}

function sessionRoutes(wire: Wire, session: SharedSession, fetch: JwtKnoxClient['fetch']) {
  const call = async (path: string, method = 'GET') => accepted(await fetch(wire.url(path), { method }));
  const end = () => session.locked(() => session.end());
  return {
    async reauthenticate(password: string): Promise<void> {
      // With an access token that is good; then alone, so that no refresh comes with the keys from before.
      await call('session');
      await session.locked(async () => {
        const { accessToken } = await session.read();
        const headers = bearer(accessToken);
        await session.start(await accepted(await wire.post('reauthenticate', { json: { password }, headers })));
      });
    },
    logoutOther: async (): Promise<number> => (await call('logout-other', 'POST')).revoked,
    async logoutAll(): Promise<number> {
      const { revoked } = await call('logout-all', 'POST');
      await end();
      return revoked;
    },
    async session(): Promise<ClientSession | null> {
      const response = await fetch(wire.url('session'));
      const body = response.status === 401 && (await codeOf(response)) ? null : await accepted(response);
      session.tell(body?.id ?? null);
      return body;
    },
    sessions: (query: SessionsQuery = {}): Promise<ClientSession[]> =>
      call(`sessions?${new URLSearchParams({ ...query } as Record<string, string>)}`),
    async revoke(sessionId: string): Promise<void> {
      await call(`sessions/${encodeURIComponent(sessionId)}`, 'DELETE');
      if (session.isKnownAs(sessionId)) await end();
    },
  };
}

function bearer(accessToken: string | undefined): Record<string, string> {
  return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
}
