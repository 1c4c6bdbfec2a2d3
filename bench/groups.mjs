// Which scenarios are measured together. Figures are compared within a group only.

export const PLATFORMS = ['fastify', 'express'];
export const LOOK_UP_NAMES = ['session', 'user', 'joined'];

const bare = PLATFORMS.map((platform) => `bare/${platform}`);
const combinations = (kinds, lookUps, ends) =>
  PLATFORMS.flatMap((platform) =>
    kinds.flatMap((kind) => lookUps.flatMap((lookUp) => ends.map((end) => `knox/${platform}/${kind}/${lookUp}${end}`))),
  );

// The joined look-up is TypeORM's own statement: there is nothing to prepare.
const lookUps = (kind, names) =>
  names.flatMap((name) => combinations([kind], [name], name === 'joined' ? [''] : ['', '/prepared']));

export const GROUPS = [
  {
    name: 'core',
    title: 'An authenticated request',
    isCentral: true,
    // What a quick run measures of it: each kind of server once, and the library on both adapters.
    quick: [
      'raw-http',
      'limit',
      'knox/fastify/postgres/session/prepared',
      'passport-jwt/fastify/key-object',
      'bare/fastify',
      'knox/express/postgres/session/prepared',
      'passport-jwt/express/string',
    ],
    // What is compared stands side by side: the less time between two slices, the more alike the machine was.
    scenarios: [
      'raw-http',
      'raw-jwt',
      'limit-narrow',
      'passport-jwt/express/key-object',
      'knox/express/postgres/session',
      'bare/express',
      'passport-jwt/express/string',
      'knox/express/postgres/session/prepared',
      'limit',
      'knox/fastify/postgres/session/prepared',
      'knox/fastify/postgres/session',
      'bare/fastify',
      'passport-jwt/fastify/string',
      'passport-jwt/fastify/key-object',
      'better-auth/cookie-cache',
      'better-auth/database',
    ],
  },
  {
    name: 'by-hand',
    title: 'Beside a guard written by hand',
    isCentral: true,
    scenarios: ['limit', 'hand-written/fastify', 'knox/fastify/postgres/session/prepared'],
  },
  {
    name: 'cookies',
    title: 'Cookies, beside the Authorization header',
    isCentral: true,
    // The differences looked for are a few percent.
    rounds: 45,
    scenarios: combinations(['postgres'], ['session'], ['/bearer', '/cookie', '/padded']),
  },
  {
    name: 'cached',
    title: 'From memory, beside the stateless guard',
    isCentral: true,
    rounds: 45,
    scenarios: [
      'cached/fastify/postgres',
      'passport-jwt/fastify/key-object',
      'cached/fastify/postgres/users',
      'cached/fastify/postgres/user',
      'cached/express/postgres/user',
      'cached/express/postgres/users',
      'passport-jwt/express/key-object',
      'cached/express/postgres',
    ],
  },
  {
    name: 'bound',
    title: "With a proof of the device's key, beside one verification",
    isCentral: true,
    // What is looked for is a difference of differences: two processes differ by more.
    isOneProcess: true,
    rounds: 600,
    scenarios: ['padded', 'dpop', 'verify'].map((way) => `bound/fastify/postgres/${way}`),
  },
  {
    name: 'unbound',
    title: 'With deviceBinding, where nobody is bound',
    isCentral: true,
    rounds: 45,
    scenarios: ['without', 'bearer'].map((way) => `bound/fastify/postgres/${way}`),
  },
  {
    name: 'verified',
    title: 'A service that verifies signatures, and hears of logouts',
    isCentral: true,
    rounds: 45,
    scenarios: PLATFORMS.flatMap((platform) =>
      ['signature', 'revocations'].map((way) => `verified/${platform}/${way}`),
    ),
  },
  {
    name: 'announced',
    title: 'What announcements take, on PostgreSQL',
    isCentral: true,
    scenarios: [
      ...['login', 'refresh', 'logout'].flatMap((name) => [
        `knox/fastify/postgres/${name}`,
        `announced/fastify/postgres/${name}`,
      ]),
      'cached/fastify/postgres/logout',
    ],
  },
  {
    name: 'look-ups',
    title: 'With the user, on PostgreSQL',
    scenarios: [...bare, ...lookUps('postgres', ['user', 'joined'])],
  },
  {
    name: 'sqlite',
    title: 'On SQLite, within the server process',
    scenarios: [...bare, ...combinations(['sqlite'], LOOK_UP_NAMES, [''])],
  },
  {
    name: 'mariadb',
    title: 'On MariaDB',
    scenarios: [...bare, ...lookUps('mariadb', LOOK_UP_NAMES)],
  },
  {
    name: 'operations',
    title: 'Login, refresh and logout-all, on PostgreSQL',
    scenarios: [
      'raw-http',
      'raw-sign-two',
      ...combinations(['postgres'], ['user', 'login', 'refresh', 'logout-all'], ['']),
    ],
  },
  {
    name: 'scale',
    title: 'More rows, more sessions per user',
    isCentral: true,
    scenarios: ['scale/10k-rows', 'scale/1m-rows', 'scale/1000-sessions-per-user'],
  },
  { name: 'processes', title: 'Two processes on one database', scenarios: ['processes/1', 'processes/2'] },
];
