import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from './schema';

type Tokens = components['schemas']['JwtKnoxTokens'];
type Session = components['schemas']['JwtKnoxSession'];

/** What every step of the walk saw. */
export interface Walk {
  refused: string | undefined;
  username: string | undefined;
  isNewToken: boolean;
  names: (string | null)[];
  ended: number;
  missing: string | undefined;
  revoked: number | undefined;
  afterLogout: string | undefined;
}

/** What an application does with the client that `openapi-typescript` makes of the document. */
export async function walk(baseUrl: string): Promise<Walk> {
  let tokens: Tokens | undefined;
  const bearer: Middleware = {
    onRequest({ request }) {
      if (tokens) request.headers.set('Authorization', `Bearer ${tokens.access_token}`);
    },
  };
  const client = createClient<paths>({ baseUrl });
  client.use(bearer);

  const login = async (name: string): Promise<Tokens> => {
    const body = { username: 'alice', password: 'alice-password', device_name: name };
    const { data, error } = await client.POST('/auth/login', { body });
    if (!data) throw new Error(error.message);
    return data;
  };

  const wrong = await client.POST('/auth/login', { body: { username: 'alice', password: 'wrong' } });
  const phone = await login('Phone');
  tokens = await login('Laptop');
  const me = await client.GET('/me');

  const renewed = await client.POST('/auth/refresh', {
    params: { header: { 'Idempotency-Key': 'a-random-key' } },
    body: { refresh_token: tokens.refresh_token },
  });
  if (!renewed.data) throw new Error(renewed.error.message);
  const isNewToken = renewed.data.access_token !== tokens.access_token;
  tokens = renewed.data;

  const ofPhone = { params: { path: { id: phone.session_id } } };
  await client.PATCH('/auth/sessions/{id}', { ...ofPhone, body: { device_name: 'Old phone' } });
  const { data: sessions = [] } = await client.GET('/auth/sessions', { params: { query: { limit: 10 } } });
  const ended = await client.DELETE('/auth/sessions/{id}', ofPhone);
  const missing = await client.DELETE('/auth/sessions/{id}', ofPhone);
  await login('Tablet');
  const others = await client.POST('/auth/logout-other');
  await client.POST('/auth/logout');
  const after = await client.GET('/me');
  return {
    refused: wrong.error?.code,
    username: me.data?.username,
    isNewToken,
    names: sessions.map((session: Session) => session.device_name).toSorted(),
    ended: ended.response.status,
    missing: missing.error?.message,
    revoked: others.data?.revoked,
    afterLogout: after.error?.code,
  };
}
