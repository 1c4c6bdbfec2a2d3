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

export default defineConfig({
  plugins: [requiredSources],
  test: {
    include: ['test/**/*.spec.ts', 'test/**/*.e2e-spec.ts'],
    exclude: ['test/package/**', 'node_modules/**'],
    setupFiles: ['reflect-metadata'],
    // The files have databases of their own, and wait for servers and deadlines more than they compute.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
