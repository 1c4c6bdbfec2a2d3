import { defineConfig } from 'vitest/config';
import base from '../vitest.config.mts';

/** The application in processes of its own: part of `npm run test:all`, not of `npm test`. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    projects: undefined,
    include: ['sample-app/test/**/*.e2e-spec.ts'],
    // On a busy machine a process takes long to start.
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
