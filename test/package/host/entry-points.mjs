// Run by plain Node in a host: the entry points open to `require` and to `import` alike, and nothing else does.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const ADDED_BY_NODE = ['default', 'module.exports', '__esModule'];

const PATHS = [
  '/typeorm',
  '/migrations',
  '/verifier',
  '/binding',
  '/testing',
  '/client',
  '/client/dpop',
  '/pages',
  '/swagger',
  '/websockets',
  '/graphql',
  '/microservices',
  '/opentelemetry',
  '/terminus',
];
const ENTRIES = ['', ...PATHS].map((path) => `nestjs-jwt-knox${path}`);

// First, before another entry point has loaded them.
const Module = require('node:module');
// Node's own loader of CommonJS modules, which has no public name.
const LOADER = '_load';
const load = Module[LOADER];
for (const entry of ['nestjs-jwt-knox', 'nestjs-jwt-knox/verifier', 'nestjs-jwt-knox/testing']) {
  Module[LOADER] = function (request, ...rest) {
    assert.doesNotMatch(
      request,
      /^(typeorm|@nestjs\/(typeorm|swagger|websockets|graphql|microservices|terminus)|@opentelemetry|jose|eta|bowser|negotiator)(\/|$)/,
      `${entry} loads what not every host needs`,
    );
    return load.call(this, request, ...rest);
  };
  require(entry);
}
Module[LOADER] = load;

for (const entry of ENTRIES) {
  const required = Object.keys(require(entry)).toSorted();
  const imported = Object.keys(await import(entry)).filter((name) => !ADDED_BY_NODE.includes(name));
  assert.ok(required.length > 0, `${entry} exports nothing`);
  assert.deepEqual(imported.toSorted(), required, `${entry}: import and require give different names`);
}

const { JwtKnoxModule } = await import('nestjs-jwt-knox');
assert.equal(JwtKnoxModule, require('nestjs-jwt-knox').JwtKnoxModule, 'the module is loaded twice');
assert.equal(require('nestjs-jwt-knox/package.json').name, 'nestjs-jwt-knox');

const closed = { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' };
assert.throws(() => require('nestjs-jwt-knox/dist/index.js'), closed);
await assert.rejects(import('nestjs-jwt-knox/dist/typeorm/migrations/index.js'), closed);
