import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, run } from './process.mjs';

const FILES = [
  'lib', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'test/package/postpack.mjs',
  'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md',
]; // prettier-ignore

/** What goes on in `dist` between the build and the package, and after the package: as a build beside it does. */
const MEDDLINGS = [
  { title: 'an empty dist', between: "rmSync('dist', { recursive: true })", says: 'dist/index.js is missing' },
  {
    title: 'a dist without types',
    between: "rmSync('dist/contracts/session.d.ts')",
    says: 'dist/contracts/session.d.ts is missing',
  },
  { title: 'a dist that has changed since', after: "appendFileSync('dist/index.js', '//')", says: 'dist changed' },
];

/** A checkout of the library alone, to build and pack in. */
export function checkoutIn(work, root) {
  const folder = join(work, 'checkout');
  mkdirSync(folder);
  for (const file of FILES) cpSync(join(root, file), join(folder, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}

/**
 * Packs the checkout, with `built` as what its build makes, while something meddles with `dist`; what npm printed, and
 * whether it left a tarball.
 */
async function packWith({ between = '', after = '' }, { folder, built }) {
  const file = join(folder, 'package.json');
  const text = readFileSync(file, 'utf8');
  const manifest = JSON.parse(text);
  const node = (code) => `node -e "const { rmSync, appendFileSync } = require('node:fs'); ${code}"`;
  manifest.scripts.prepack = node(between);
  manifest.scripts.postpack = `${node(after)} && ${manifest.scripts.postpack}`;
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  cpSync(built, join(folder, 'dist'), { recursive: true });
  writeFileSync(file, JSON.stringify(manifest));
  const result = await run('npm', ['pack'], { cwd: folder, quiet: true });
  writeFileSync(file, text);
  return { ...result, isThere: existsSync(join(folder, `${manifest.name}-${manifest.version}.tgz`)) };
}

export async function checkPacking(check, folder) {
  await check("is built by Nest's command line too", async () => {
    rmSync(join(folder, 'dist'), { recursive: true, force: true });
    await mustRun('npx', ['--yes', '@nestjs/cli@11', 'build'], { cwd: folder });
    const results = ['index.js', 'index.d.ts'].filter((name) => existsSync(join(folder, 'dist', name)));
    assert.deepEqual(results, ['index.js', 'index.d.ts']);
  });
  const built = join(folder, 'built');
  cpSync(join(folder, 'dist'), built, { recursive: true });
  for (const meddling of MEDDLINGS) {
    await check(`does not get packed with ${meddling.title}`, async () => {
      const { code, output, isThere } = await packWith(meddling, { folder, built });
      assert.notEqual(code, 0, 'npm pack succeeded');
      assert.ok(output.includes(meddling.says), output);
      assert.ok(!isThere, 'the package is there');
    });
  }
  await check('control: gets packed with its dist left alone', async () => {
    const { code, output, isThere } = await packWith({}, { folder, built });
    assert.deepEqual([code, isThere], [0, true], output);
  });
}
