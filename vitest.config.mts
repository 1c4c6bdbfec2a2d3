import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.spec.ts', 'test/**/*.e2e-spec.ts', 'sample-app/test/**/*.e2e-spec.ts'],
    exclude: ['test/package/**', 'node_modules/**'],
    setupFiles: ['reflect-metadata'],
    // The files have databases of their own, and wait for servers and deadlines more than they compute.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
