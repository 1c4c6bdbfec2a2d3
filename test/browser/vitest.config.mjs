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
  },
});
