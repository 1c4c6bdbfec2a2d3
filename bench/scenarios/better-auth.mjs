// Another library with sessions in the database: better-auth on plain node:http, with its own pool and adapter.
import { meRequest, USERS } from '../tokens.mjs';
import { startRaw } from '../raw-server.mjs';
import { poolOn } from './stored-sessions.mjs';

const ROWS = 10_000;
const HOUR_S = 3_600;

/** Really signed up, by its own interface. Only the hashing of passwords, which is not measured, is replaced. */
async function start({ database, secret }, session) {
  const { betterAuth } = await import('better-auth');
  const { getMigrations } = await import('better-auth/db/migration');
  const pool = poolOn(database);
  const auth = betterAuth({
    database: pool,
    secret,
    baseURL: 'http://127.0.0.1',
    session,
    emailAndPassword: {
      enabled: true,
      password: { hash: async (text) => text, verify: async ({ hash, password }) => hash === password },
    },
    telemetry: { enabled: false },
  });
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  await seed(pool);
  return auth;
}

/** As many users and sessions as the other scenarios find, by single statements. */
async function seed(pool) {
  await pool.query(
    `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
     SELECT 'u' || g, 'user' || g, 'user' || g || '@example.org', true, now(), now()
     FROM generate_series(1, ${ROWS}) g`,
  );
  await pool.query(
    `INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent")
     SELECT 's' || g, md5(random()::text), 'u' || g, now() + interval '1 day', now(), now(), '127.0.0.1', 'bench/1.0'
     FROM generate_series(1, ${ROWS}) g`,
  );
  for (const table of ['"user"', 'session']) await pool.query(`VACUUM ANALYZE ${table}`);
}

async function signUp(auth, index) {
  const body = { name: `signed-${index}`, email: `signed-${index}@example.org`, password: 'a long password' };
  const { headers, response } = await auth.api.signUpEmail({ body, returnHeaders: true });
  const cookies = headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
  return { id: response.user.id, cookie: cookies.join('; ') };
}

const scenario = (name, about, session) => ({
  name: `better-auth/${name}`,
  about: `better-auth on node:http, ${about}`,
  database: { kind: 'postgres', tables: 'none' },
  async serve(settings) {
    const { fromNodeHeaders } = await import('better-auth/node');
    const auth = await start(settings, session);
    const port = await startRaw(async (request) => {
      const { user } = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
      return user.id;
    });
    const requests = [];
    for (let index = 0; index < USERS; index++) {
      const { id, cookie } = await signUp(auth, index);
      requests.push({ ...meRequest('', id), headers: { Cookie: cookie } });
    }
    return { port, requests };
  },
});

export const betterAuth = [
  scenario('database', 'getSession from PostgreSQL', undefined),
  scenario('cookie-cache', 'getSession from its signed cookie cache, without the database', {
    cookieCache: { enabled: true, maxAge: HOUR_S },
  }),
];
