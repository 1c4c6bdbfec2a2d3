// Login, refresh and logout-all, with users in a table; and the signing of two tokens, to measure them by.
import { randomUUID } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import { DataSource } from 'typeorm';
import { insertSessions } from '../databases.mjs';
import { logins, refreshes } from '../exchanges.mjs';
import { PLATFORMS } from '../groups.mjs';
import { issueTokens, meRequests, startKnox } from '../knox-host.mjs';
import { startRaw } from '../raw-server.mjs';
import { CONCURRENCY, keyOf, meRequest, statelessTokens, USERS } from '../tokens.mjs';

const SESSIONS = 1_000;
// Far from the users whose tokens are sent where nothing counts.
const FIRST_TO_LEAVE = 5_000;

const signing = {
  name: 'raw-sign-two',
  about: 'node:http; jsonwebtoken signs two tokens of the library’s size',
  async serve({ secret }) {
    const key = keyOf(secret);
    const [{ sub, sid, gen, token_key }] = statelessTokens(secret);
    const sign = (typ, claims) =>
      jsonwebtoken.sign({ sub, sid, gen, token_key, ...claims }, key, {
        header: { alg: 'HS256', typ, kid: 'default' },
        expiresIn: '1h',
      });
    const port = await startRaw(() => {
      sign('at+jwt', { jti: randomUUID() });
      sign('rt+jwt', { jti: randomUUID(), session_key: token_key });
      return sub;
    });
    return { port, requests: statelessTokens(secret).map(({ token }) => meRequest(token, sub)) };
  },
};

/** The same where nobody listens, where PostgreSQL announces what ends, and where memory answers too. */
const VARIANTS = {
  knox: { about: '' },
  announced: { about: '; PostgreSQL announces what ends', announced: true },
  cached: { about: '; with leaseCache', announced: true, cache: 'sessions' },
};

const login = (platform, variant = 'knox') => ({
  name: `${variant}/${platform}/postgres/login`,
  about: `login on ${platform}${VARIANTS[variant].about}: reads the user, compares the password as text, starts a session`,
  database: { kind: 'postgres', announced: VARIANTS[variant].announced },
  exchanges: logins,
  async serve(settings) {
    const { port } = await startKnox({ platform, lookUp: 'user' }, settings);
    const json = (index) => ({ username: `user${index + 1}`, password: 'password' });
    const requests = Array.from({ length: USERS }, (_, index) => ({
      method: 'POST',
      path: '/auth/login',
      json: json(index),
    }));
    return { port, requests };
  },
});

const refresh = (platform, variant = 'knox') => ({
  name: `${variant}/${platform}/postgres/refresh`,
  about: `refresh on ${platform}${VARIANTS[variant].about}, with reuseInterval 0: every one rotates; each client has a session of its own`,
  database: { kind: 'postgres', announced: VARIANTS[variant].announced },
  exchanges: refreshes,
  async serve(settings) {
    const options = { refreshToken: { reuseInterval: '0s' } };
    const { port, tokens } = await startKnox({ platform, lookUp: 'user', options }, settings);
    const requests = (await issueTokens(tokens, CONCURRENCY)).map(({ issued }) => ({
      method: 'POST',
      path: '/auth/refresh',
      json: { refresh_token: issued.refreshToken },
    }));
    return { port, requests };
  },
});

const logoutAll = (platform) => ({
  name: `knox/${platform}/postgres/logout-all`,
  about: `logout-all on ${platform} by users with ${SESSIONS.toLocaleString('en')} sessions each`,
  database: { kind: 'postgres' },
  count: 10,
  prepares: true,
  async serve(settings) {
    const { app, port, tokens } = await startKnox({ platform, lookUp: 'user' }, settings);
    const source = app.get(DataSource);
    return { port, requests: [], calm: await meRequests(tokens), prepare: (count) => crowd(source, tokens, count) };
  },
});

/** Each request ends a session of its own. */
const logout = (platform, variant) => ({
  name: `${variant}/${platform}/postgres/logout`,
  about: `logout on ${platform}${VARIANTS[variant].about}`,
  database: { kind: 'postgres', announced: VARIANTS[variant].announced },
  count: 80,
  prepares: true,
  async serve(settings) {
    const { cache } = VARIANTS[variant];
    const { port, tokens } = await startKnox({ platform, lookUp: 'user', cache }, settings);
    return { port, requests: [], calm: await meRequests(tokens), prepare: (count) => leaving(tokens, count) };
  },
});

async function leaving(tokens, count) {
  const issued = await issueTokens(tokens, count);
  const requests = issued.map(({ issued: { accessToken } }) => ({
    method: 'POST',
    path: '/auth/logout',
    headers: { Authorization: `Bearer ${accessToken}` },
    expect: { status: 204, body: '' },
  }));
  return { requests };
}

/** Gives each of some users a thousand sessions, one of them with a token. */
async function crowd(source, tokens, count) {
  const requests = [];
  for (let index = FIRST_TO_LEAVE; index < FIRST_TO_LEAVE + count; index++) {
    const id = `u${index}`;
    await source.query('DELETE FROM jwt_knox_sessions WHERE "userId" = $1', [id]);
    await insertSessions(source, 'jwt_knox_sessions', SESSIONS - 1, { userId: `'${id}'` });
    const { accessToken } = await tokens.issue({ id, isActive: true, validSince: null });
    requests.push({
      method: 'POST',
      path: '/auth/logout-all',
      headers: { Authorization: `Bearer ${accessToken}` },
      expect: { status: 200, body: `{"revoked":${SESSIONS}}` },
    });
  }
  return { requests };
}

export const operations = [
  signing,
  ...PLATFORMS.flatMap((platform) => [login(platform), refresh(platform), logoutAll(platform)]),
  login('fastify', 'announced'),
  refresh('fastify', 'announced'),
  ...Object.keys(VARIANTS).map((variant) => logout('fastify', variant)),
];
