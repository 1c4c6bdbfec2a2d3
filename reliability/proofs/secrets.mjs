// Random secrets in every usual encoding: all of them must be accepted at start, for a refused one stops a deployment.
import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { main } from '../harness/harness.mjs';

const require = createRequire(import.meta.url);
const { Keyring } = require('../../dist/tokens/keyring.js');
const { COMMON_WORDS } = require('../../dist/tokens/guessable-words.js');

const FULL = 1_000_000;
const SHORT = 20_000;

const ENCODINGS = {
  base64: () => randomBytes(32).toString('base64'),
  base64url: () => randomBytes(32).toString('base64url'),
  hex: () => randomBytes(32).toString('hex'),
  uuid: () => randomUUID(),
  ascii: () => printable(32),
};

/** Printable ASCII without spaces, each character as likely as another. */
function printable(length) {
  let text = '';
  const pool = new Uint8Array(2 * length);
  while (text.length < length) {
    for (const byte of randomFillSync(pool)) {
      if (byte < 188 && text.length < length) text += String.fromCharCode(33 + (byte % 94));
    }
  }
  return text;
}

const isRefused = (secret) => Keyring.load({ secret }).problems.length > 0;

/** The naive way: a common word anywhere gives a secret away. */
const words = new RegExp(COMMON_WORDS.join('|'), 'i');
const holdsAWord = (secret) => words.test(secret);

function countRefused({ name, count, plant }) {
  const refuses = plant === 'words-anywhere' ? holdsAWord : isRefused;
  let refused = 0;
  for (let i = 0; i < count; i++) if (refuses(ENCODINGS[name]())) refused++;
  return refused;
}

/** Each encoding in a thread of its own. */
function inThread(work) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: work });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function prove(count, plant) {
  const names = Object.keys(ENCODINGS);
  const refused = await Promise.all(names.map((name) => inThread({ name, count, plant })));
  return { figures: { each: count }, faults: Object.fromEntries(names.map((name, i) => [name, refused[i]])) };
}

if (isMainThread) {
  await main('random secrets refused', {
    databases: ['no database'],
    run: (_kind, { short, plant }) => prove(short ? SHORT : FULL, plant),
    plants: [['words-anywhere', 'no database']],
  });
} else {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort.postMessage(countRefused(workerData));
}
