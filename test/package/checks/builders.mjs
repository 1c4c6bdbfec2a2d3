import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './process.mjs';

/** What `nest new` and Nest's guide to the builders have an application install for them. */
const PACKAGES = ['@nestjs/cli@11', '@swc/cli', '@swc/core', 'ts-loader', 'webpack'];
const BUILDERS = { swc: [], webpack: ['--webpackPath', 'webpack.config.cjs'] };

/**
 * Builds an application with the builders of Nest's command line that are not `tsc`.
 * @param answers takes the file that the build made, and checks that it starts and answers
 */
export async function checkBuilders(check, folder, answers) {
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
  await mustRun('npm', ['install', ...PACKAGES, ...options], { cwd: folder });
  for (const [builder, args] of Object.entries(BUILDERS)) {
    await check(`starts when it is built by ${builder}`, async () => {
      rmSync(join(folder, 'dist'), { recursive: true, force: true });
      await mustRun('npx', ['--no', '--', 'nest', 'build', '--builder', builder, ...args], { cwd: folder });
      await answers(['dist/main.js', 'dist/src/main.js'].find((file) => existsSync(join(folder, file))));
    });
  }
}
