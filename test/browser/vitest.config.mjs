import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.mts';

/** What needs a real browser, Debian's Chromium: `npm run test:browser`, not part of `npm test`. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    projects: undefined,
    include: ['test/browser/*.browser-spec.ts'],
    fileParallelism: false,
    // Whoever runs it by hand wants to see everything; .ci/run says otherwise.
    env: { TEST_LENGTH: process.env.TEST_LENGTH ?? 'long' },
  },
});
