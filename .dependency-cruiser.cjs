/**
 * The rooms (docs/15-architecture.md): routes -> guard -> sessions -> tokens -> options -> contracts.
 * Each room may import every room to its right. An entry point imports the core, and never another entry point.
 */
const room = (name) => `^lib/${name}/`;
const external = (names) => `(^|/)node_modules/(${names})(/|$)`;

/** The core, from the inside out: each may import those before it. */
const CORE = ['contracts', 'options', 'tokens', 'sessions', 'guard', 'routes'];
const before = (name) => CORE.slice(0, CORE.indexOf(name));

const only = (name, allowed) => ({
  name: `${name}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: room(name) },
  to: { path: '^lib/', pathNot: [room(name), ...allowed.map(room)] },
});

const knows = (name, what, rooms, module) => ({
  name: `only-${name}-knows-${what}`,
  severity: 'error',
  from: { path: '^lib/', pathNot: rooms },
  to: { path: module },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...CORE.map((name) => only(name, before(name))),
    only('typeorm', ['contracts']),
    only('verifier', ['contracts', 'options', 'tokens', 'sessions', 'guard']),
    only('testing', ['contracts', 'options', 'sessions']),
    only('cache', ['contracts', 'options', 'tokens', 'sessions']),
    only('binding', CORE),
    only('pages', CORE),
    only('swagger', CORE),
    only('websockets', CORE),
    only('graphql', CORE),
    only('microservices', ['contracts', 'sessions', 'guard']),
    only('opentelemetry', ['contracts', 'options', 'sessions']),
    only('terminus', ['contracts', 'options', 'tokens', 'sessions']),
    {
      name: 'client-imports-nothing-but-itself',
      comment: 'It is loaded by browsers: neither the core, nor a package, nor a module of Node.js.',
      severity: 'error',
      from: { path: room('client') },
      to: { pathNot: room('client') },
    },
    {
      name: 'nobody-imports-the-assembly',
      severity: 'error',
      from: { path: '^lib/', pathNot: ['^lib/index\\.ts$', '^lib/jwt-knox\\.module\\.ts$'] },
      to: { path: '^lib/(index|jwt-knox\\.module(-definition)?|load-typeorm)\\.ts$' },
    },
    {
      name: 'nobody-loads-typeorm-at-once',
      severity: 'error',
      from: { path: '^lib/', pathNot: [room('typeorm'), '^lib/load-typeorm\\.ts$'] },
      to: { path: room('typeorm') },
    },
    {
      name: 'the-definition-imports-no-implementation',
      severity: 'error',
      from: { path: '^lib/(jwt-knox|verifier/verifier)\\.module-definition\\.ts$' },
      to: { path: '^lib/', pathNot: ['^lib/options/', '^lib/contracts/', '^lib/verifier/verifier\\.options\\.ts$'] },
    },
    {
      name: 'the-main-entry-point-loads-no-other',
      severity: 'error',
      from: { path: '^lib/(index|jwt-knox\\.module(-definition)?|load-typeorm)\\.ts$' },
      to: {
        path: [
          room('verifier'),
          room('cache'),
          room('binding'),
          room('testing'),
          room('client'),
          room('pages'),
          room('swagger'),
          room('websockets'),
          room('graphql'),
          room('microservices'),
          room('opentelemetry'),
          room('terminus'),
        ],
      },
    },
    knows('typeorm', 'typeorm', [room('typeorm')], external('typeorm|@nestjs/typeorm')),
    knows('guard', 'passport', [room('guard')], external('passport|passport-jwt|@nestjs/passport|cookie')),
    knows('verifier', 'jose', [room('verifier')], external('jose')),
    knows('cache', 'caches-and-brokers', [room('cache')], external('lru-cache|redis|ioredis|pg')),
    knows('pages', 'templates', [room('pages')], external('eta|bowser|negotiator')),
    knows('microservices', 'messages', [room('microservices')], external('@nestjs/microservices')),
    knows('opentelemetry', 'telemetry', [room('opentelemetry')], external('@opentelemetry')),
    knows('terminus', 'health-checks', [room('terminus')], external('@nestjs/terminus')),
    knows('nobody', 'a-jwt-library', ['^$'], external('jsonwebtoken|jws|jwa')),
    {
      name: 'only-tokens-knows-node-crypto',
      severity: 'error',
      from: {
        path: '^lib/',
        pathNot: [
          room('tokens'),
          '^lib/testing/(session-repository\\.(contract|cases|key-cases|binding-cases)|revocation-feed\\.cases)\\.ts$',
        ],
      },
      to: { path: '^(node:)?crypto$', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.d.ts', '.mts'],
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
