import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Node's `require` finds no TypeScript: what the library loads late, its sources get by an import. */
const requiredSources = {
  name: 'required-sources',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!id.endsWith('/lib/load-typeorm.ts')) return undefined;
    const called = code.replace("require('./typeorm')", 'typeOrmEntry');
    if (called === code) throw new Error('load-typeorm.ts requires nothing; drop this plugin.');
    return `import * as typeOrmEntry from './typeorm'; ${called}`;
  },
};

/**
 * What replaces a module, looks at what @nestjs/typeorm keeps for the whole process, or leaves there what others would load;
 * and what expects that nothing is logged, where applications of before may still try to delete what a failed login left.
 */
const ALONE = [
  's9-leftovers',
  'migrations',
  'host-tables',
  'host-schemas',
  'user-id-spellings',
  'too-busy',
  'dbsc-registration',
].map((name) => `test/e2e/${name}.e2e-spec.ts`);

export default defineConfig({
  plugins: [requiredSources],
  test: {
    // Loading Nest and TypeORM for each file took as long as the tests: most files of a worker share one copy.
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          isolate: false,
          include: ['test/**/*.spec.ts', 'test/**/*.e2e-spec.ts'],
          exclude: ['test/package/**', 'node_modules/**', ...ALONE],
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
    setupFiles: ['reflect-metadata', './test/support/watched.ts'],
    globalSetup: ['test/support/drop-databases.ts'],
    // The files have databases of their own, and wait for servers and deadlines more than they compute.
    maxWorkers: availableParallelism() + 2,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // A busy machine is no finding.
    expect: { poll: { timeout: 20_000, interval: 20 } },
  },
});
