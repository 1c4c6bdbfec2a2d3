import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.mts';

/** What needs Prometheus: part of `npm run test:all`, not of `npm test`. */
export default defineConfig({
  ...base,
  test: { ...base.test, projects: undefined, include: ['test/prometheus/*.prometheus-spec.ts'] },
});
