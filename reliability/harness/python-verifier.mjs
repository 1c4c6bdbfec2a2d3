// A service that is not Node: the client of the interop tests, in Python, which judges a token a line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('../../test/interop/revocations.py', import.meta.url));
/** `ask`: where a service in Node with `onSilence: 'refuse'` says 503. */
const STATUSES = { good: 200, over: 401, ask: 503 };
/** Seconds: longer than the proof, or the keys would be fetched in the midst of an outage. */
const KEYS_FOR = 86_400;

export async function startPythonVerifier({ issuer, audience, jwksUri, stream, client }) {
  const child = spawn(process.env.TEST_PYTHON ?? '/usr/bin/python3', [FILE], { stdio: ['pipe', 'pipe', 'inherit'] });
  const over = once(child, 'close');
  const asked = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line !== 'heard') asked.shift()?.(STATUSES[line]);
  });
  over.then(() => asked.splice(0).forEach((answer) => answer(0)));
  const tell = (line) => child.stdin.write(`${line}\n`);
  tell(JSON.stringify({ jwks_uri: jwksUri, stream, ...client, issuer, audience, keys_for: KEYS_FOR }));
  return {
    statusOf: (token) =>
      new Promise((resolve, reject) => {
        if (child.exitCode !== null) return reject(new Error('The service in Python has ended; see what it said.'));
        asked.push(resolve);
        tell(token);
      }),
    close: async () => {
      child.kill();
      await over;
    },
  };
}
