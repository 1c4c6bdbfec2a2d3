/**
 * The house (docs/architecture.md): routes -> guard -> sessions -> tokens -> options -> contracts <- storage.
 * Beside routes, verifier -> sessions -> tokens: how the tokens of another application are judged.
 * Every room may also import options and contracts; options imports only contracts.
 */
const room = (name) => `^lib/${name}/`;
const external = (names) => `(^|/)node_modules/(${names})(/|$)`;

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
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only('contracts', []),
    only('options', ['contracts']),
    only('tokens', ['options', 'contracts']),
    only('sessions', ['tokens', 'options', 'contracts']),
    only('verifier', ['sessions', 'tokens', 'options', 'contracts']),
    only('guard', ['sessions', 'options', 'contracts']),
    only('routes', ['guard', 'sessions', 'options', 'contracts']),
    only('typeorm', ['options', 'contracts']),
    only('testing', ['sessions', 'options', 'contracts']),
    {
      name: 'nobody-imports-the-assembly',
      severity: 'error',
      from: { path: '^lib/', pathNot: ['^lib/index\\.ts$', '^lib/jwt-knox(-verifier)?\\.module\\.ts$'] },
      to: { path: '^lib/(index|jwt-knox(-verifier)?\\.module(-definition)?)\\.ts$' },
    },
    {
      name: 'the-definition-imports-no-implementation',
      severity: 'error',
      from: { path: '^lib/jwt-knox(-verifier)?\\.module-definition\\.ts$' },
      to: { path: '^lib/', pathNot: ['^lib/options/', '^lib/contracts/'] },
    },
    knows('typeorm', 'typeorm', [room('typeorm')], external('typeorm|@nestjs/typeorm')),
    knows('guard', 'passport', [room('guard')], external('passport|passport-jwt|@nestjs/passport')),
    knows('verifier', 'jose', [room('verifier')], external('jose')),
    knows('tokens', 'the-jwt-library', [room('tokens')], external('jsonwebtoken')),
    {
      name: 'only-tokens-knows-node-crypto',
      severity: 'error',
      from: {
        path: '^lib/',
        pathNot: [room('tokens'), '^lib/testing/session-repository\\.(contract|cases|key-cases)\\.ts$'],
      },
      to: { path: '^(node:)?crypto$', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.d.ts'],
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
