// What the figures are held to. A target compares scenarios of one group, round by round.
import { excesses, median, quantile, ratios, verdict } from './statistics.mjs';

const PREPARED = (platform) => `knox/${platform}/postgres/session/prepared`;
const UNPREPARED = (platform) => `knox/${platform}/postgres/session`;
const OF_PAGE = (platform, mode) => `knox/${platform}/postgres/session/${mode}`;
const OF_KEY = (way) => `bound/fastify/postgres/${way}`;
const STATELESS = (platform) => `passport-jwt/${platform}/string`;

/** What a scenario's figures are compared by: µs of each round. */
const SERVER = ({ cpu }) => cpu;
const DATABASE = ({ database }) => database ?? NaN;
const P99 = ({ p99 }) => p99;
const BOTH = ({ cpu, database }) => cpu + (database ?? NaN);

/** How much one scenario costs, as a multiple of another. */
const times = (node, group, name, other, most, by = SERVER) => ({
  node, group, most, unit: '×', text: `${name}, as a multiple of ${other}${BY.get(by)}`,
  of: (samples) => ratios(samples(name).map(by), samples(other).map(by)),
}); // prettier-ignore

/** How many µs one scenario costs beyond another. */
const beyond = (node, group, name, other, most) => ({
  node, group, most, unit: 'µs', text: `${name}, above ${other}`,
  of: (samples) => excesses(samples(name).map(SERVER), samples(other).map(SERVER)),
}); // prettier-ignore

/** How much one scenario adds to a base, as a multiple of what another adds to it. */
const added = (group, name, other, base, most) => ({
  group, most, unit: '×', text: `what ${name} adds to ${base}, as a multiple of what ${other} adds`,
  of(samples) {
    const [one, reference] = [name, other].map((each) => excesses(samples(each).map(SERVER), samples(base).map(SERVER)));
    // By its median: a difference that comes out small in one round would make that round's ratio as great as one likes.
    const usual = median(reference);
    return one.map((excess) => excess / usual);
  },
}); // prettier-ignore

/** How much an operation costs, as a multiple of an authenticated request and the signing of two tokens. */
const operation = (platform, name, most) => ({
  group: 'operations',
  most,
  unit: '×',
  text: `knox/${platform}/postgres/${name}, as a multiple of an authenticated request and the signing of two tokens`,
  of(samples) {
    const [user, signing, raw] = [`knox/${platform}/postgres/user`, 'raw-sign-two', 'raw-http'].map(samples);
    const reference = user.map(({ cpu }, round) => cpu + signing[round].cpu - raw[round].cpu);
    return ratios(samples(`knox/${platform}/postgres/${name}`).map(SERVER), reference);
  },
});

/** How many statements an operation takes beside the look-up of the user. */
const statements = (platform, name, most) => ({
  group: 'operations',
  most,
  unit: '',
  text: `knox/${platform}/postgres/${name}, statements beyond the look-up of the user`,
  of: (_samples, figuresOf) => [figuresOf(`knox/${platform}/postgres/${name}`).statements - 1],
});

/** A figure by itself: how long a request takes, in ms, with 8 under way, or what is held in memory, in MB. */
const within = (group, name, figure, most, unit = 'ms') => ({
  group, most, unit, text: `${name}, ${figure}`,
  of: (samples) => samples(name).map((one) => one[figure]),
}); // prettier-ignore

const BY = new Map([
  [SERVER, ''],
  [DATABASE, ', database alone'],
  [BOTH, ', server and database'],
  [P99, ', p99'],
]);

export const TARGETS = [
  times(24, 'core', PREPARED('fastify'), 'limit', 1.5),
  times(24, 'core', PREPARED('express'), 'limit', 2),
  times(24, 'core', PREPARED('express'), STATELESS('express'), 1),
  times(24, 'core', PREPARED('fastify'), 'better-auth/database', 0.25, BOTH),
  times(24, 'core', PREPARED('fastify'), 'better-auth/cookie-cache', 1, BOTH),
  times(20, 'core', PREPARED('fastify'), 'limit', 1.6),
  times(20, 'core', UNPREPARED('fastify'), 'limit', 1.9),
  times(20, 'core', PREPARED('fastify'), 'limit', 1.2, DATABASE),
  beyond(20, 'core', PREPARED('fastify'), 'bare/fastify', 55),
  beyond(20, 'core', PREPARED('express'), 'bare/express', 105),
  times(20, 'core', PREPARED('fastify'), STATELESS('fastify'), 0.25),
  times(20, 'core', PREPARED('express'), STATELESS('express'), 0.5),
  ...['fastify', 'express'].flatMap((platform) =>
    ['bearer', 'padded'].map((mode) =>
      times(undefined, 'cookies', OF_PAGE(platform, 'cookie'), OF_PAGE(platform, mode), 1.03),
    ),
  ),
  times(undefined, 'cached', 'cached/fastify/postgres', 'passport-jwt/fastify/key-object', 0.85),
  times(undefined, 'cached', 'cached/express/postgres', 'passport-jwt/express/key-object', 0.9),
  added('bound', OF_KEY('dpop'), OF_KEY('verify'), OF_KEY('padded'), 1.3),
  times(undefined, 'unbound', OF_KEY('bearer'), OF_KEY('without'), 1.02),
  ...['login', 'refresh'].map((name) =>
    times(undefined, 'announced', `announced/fastify/postgres/${name}`, `knox/fastify/postgres/${name}`, 1.05, BOTH),
  ),
  within('announced', 'cached/fastify/postgres/logout', 'p50', 160),
  within('announced', 'cached/fastify/postgres/logout', 'p99', 400),
  ...['fastify', 'express'].map((platform) =>
    times(undefined, 'verified', `verified/${platform}/revocations`, `verified/${platform}/signature`, 1.05),
  ),
  within('verified', 'verified/fastify/revocations', 'held', 20, 'MB'),
  beyond(20, 'sqlite', 'knox/fastify/sqlite/session', 'bare/fastify', 40),
  ...['fastify', 'express'].flatMap((platform) =>
    ['login', 'refresh'].flatMap((name) => [statements(platform, name, 1), operation(platform, name, 1.5)]),
  ),
  times(undefined, 'scale', 'scale/1m-rows', 'scale/10k-rows', 1.15, BOTH),
  times(undefined, 'scale', 'scale/1000-sessions-per-user', 'scale/10k-rows', 1.15, BOTH),
];

/** Of a capacity run: what a request costs on the largest table, beside the smallest. */
export const capacityTargets = (largest, smallest) =>
  [BOTH, P99].map((by) => times(undefined, 'capacity', largest, smallest, 1.15, by));

/** The targets for this Node line whose scenarios were measured: median and quartiles of the rounds, and verdict. */
export function judge(groups, major, targets = TARGETS) {
  const judged = [];
  for (const { node, group, of, most, unit, text } of targets) {
    if (node !== undefined && node !== major) continue;
    const figures = groups.find(({ name }) => name === group)?.figures ?? [];
    const figuresOf = (name) => {
      const found = figures.find((one) => one.name === name);
      if (!found) throw new NotMeasured(name);
      return found;
    };
    try {
      const values = of((name) => figuresOf(name).samples, figuresOf);
      const value = median(values);
      const quartiles = [quantile(values, 0.25), quantile(values, 0.75)];
      judged.push({ text, value, quartiles, most, unit, verdict: verdict(value, most) });
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error;
    }
  }
  return judged;
}

class NotMeasured extends Error {}
