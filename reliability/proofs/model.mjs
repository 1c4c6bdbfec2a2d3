// A model of the lease cache: real services on a storage, a feed and a time that a seeded scheduler holds, ten million of its
// choices, with lost answers, stalled and cut feeds and processes that die: no promise is broken. Controls: 26 planted faults.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Of each of the four kinds of clusters.
const { MODEL_STEPS = '2500000', MODEL_SEED = '1' } = process.env;

const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/model/finality', '--reporter=verbose'],
  {
    cwd: root,
    env: { ...process.env, MODEL_STEPS, MODEL_SEED, NO_COLOR: '1', FORCE_COLOR: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let told = '';
child.stdout.on('data', (chunk) => {
  told += chunk;
  process.stdout.write(chunk);
});
const [code] = await once(child, 'close');
const counted = (word) => Number(new RegExp(`Tests .*?(\\d+) ${word}`).exec(told)?.[1] ?? 0);
console.log(`${counted('passed')} passed, ${Math.max(counted('failed'), code === 0 ? 0 : 1)} failed`);
process.exitCode = code;
