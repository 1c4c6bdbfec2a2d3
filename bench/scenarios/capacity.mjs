// A server on the sessions of a capacity run. Every user exists, without a table, so that all statements are the library's.
import { SessionAdminService } from 'nestjs-jwt-knox';
import { DataSource } from 'typeorm';
import { Occupancy } from '../capacity/occupancy.mjs';
import { BROWSER, PlantedTokens, usersOf } from '../capacity/planted.mjs';
import { POOL_SIZE } from '../databases.mjs';
import { firstRefreshes, logins } from '../exchanges.mjs';
import { startKnox } from '../knox-host.mjs';
import { meRequest, USERS } from '../tokens.mjs';

const VARIANTS = {
  quiet: { about: 'prepared; no use is noted', prepared: true, touchInterval: '1h' },
  unprepared: { about: 'no use is noted', prepared: false, touchInterval: '1h' },
  touching: { about: 'prepared; every use is noted', prepared: true, touchInterval: '0s' },
  login: { about: 'prepared', prepared: true, touchInterval: '1h', what: 'login', exchanges: logins },
  refresh: {
    about: 'prepared; each one rotates', prepared: true, touchInterval: '1h',
    what: 'refresh', exchanges: firstRefreshes, spends: 2,
  },
}; // prettier-ignore

const scenario = (kind, variant) => ({
  name: `capacity/${kind}/${variant}`,
  about: `${VARIANTS[variant].what ?? 'an authenticated request'} on ${kind}, random sessions, ${VARIANTS[variant].about}`,
  exchanges: VARIANTS[variant].exchanges,
  // Without contents: the run itself fills the database.
  database: { kind, tables: 'none' },
  prepares: true,
  async serve({ rows, pattern, ...settings }) {
    const { prepared, touchInterval, what: usual = 'request', spends } = VARIANTS[variant];
    const options = {
      session: { touchInterval },
      refreshToken: { reuseInterval: '0s' },
      // What takes longer than by default is to be measured, not given up.
      adminTimeout: '1h',
    };
    const host = { platform: 'fastify', lookUp: 'anyone', preparedStatements: prepared, options };
    const { app, port } = await startKnox(host, settings);
    const tokens = pattern && new PlantedTokens(settings.secret, pattern, { rows, spends });
    const requests = (what, count) => Array.from({ length: count }, () => REQUESTS[what](tokens, rows));
    const source = app.get(DataSource);
    const occupancy = kind === 'postgres' ? new Occupancy(source.driver.master) : null;
    const admin = app.get(SessionAdminService);
    return {
      port,
      requests: [],
      calm: tokens ? requests('request', USERS) : [],
      prepare: (count, what = usual) => ({ requests: requests(what, count) }),
      onEach: (sql) => onEach(source, sql),
      occupancy: () => occupancy.toggle(),
      upkeep: (name) => timed(() => admin[name]()),
    };
  },
});

const REQUESTS = {
  request(tokens) {
    const { userId, token } = tokens.next();
    return meRequest(token, userId);
  },

  login(_tokens, rows) {
    const username = `u${1 + Math.floor(Math.random() * usersOf(rows))}`;
    const headers = { 'User-Agent': BROWSER };
    return { method: 'POST', path: '/auth/login', headers, json: { username, password: 'password' } };
  },

  refresh(tokens) {
    const { token } = tokens.spend('refresh');
    return {
      method: 'POST',
      path: '/auth/refresh',
      headers: { 'User-Agent': BROWSER },
      json: { refresh_token: token },
    };
  },

  logout(tokens) {
    const { token } = tokens.spend('access');
    const headers = { Authorization: `Bearer ${token}` };
    return { method: 'POST', path: '/auth/logout', headers, expect: { status: 204, body: '' } };
  },
};

/** Over each connection of the pool, those that are not open yet too. */
async function onEach(source, sql) {
  const runners = Array.from({ length: POOL_SIZE }, () => source.createQueryRunner());
  try {
    // All at once: each gets one of its own.
    await Promise.all(runners.map((runner) => runner.connect()));
    return await Promise.all(runners.map((runner) => runner.query(sql)));
  } finally {
    await Promise.all(runners.map((runner) => runner.release()));
  }
}

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return { result, took: performance.now() - began };
}

export const capacity = ['postgres', 'mariadb'].flatMap((kind) =>
  Object.keys(VARIANTS).map((variant) => scenario(kind, variant)),
);
