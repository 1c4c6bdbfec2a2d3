// `npm run start:two`: two processes of the application on one PostgreSQL, and one address for both.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import './end-with-npm.mjs';
import { roundRobin } from './round-robin.mjs';

const { DATABASE_URL = '', PORT } = process.env;
if (!/^postgres(?:ql)?:\/\//.test(DATABASE_URL)) {
  console.error(
    'start:two needs one PostgreSQL for both processes; set DATABASE_URL=postgres://user@127.0.0.1/database.',
  );
  process.exit(1);
}
await import('./build.mjs');

const env = {
  ...process.env,
  PORT: '0',
  CACHE: process.env.CACHE || 'lease',
  // Each takes the tokens of the other.
  JWT_SECRET: process.env.JWT_SECRET || randomBytes(48).toString('base64'),
  // The one address is plain http, and has no second one beside it.
  FRONTEND: 'off',
  TLS_KEY: '',
  TLS_CERT: '',
};

const children = [];
let isEnding = false;

async function end(code) {
  if (isEnding) return;
  isEnding = true;
  proxy?.closeAllConnections();
  proxy?.close();
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(running.map((child) => [once(child, 'exit'), child.kill('SIGTERM')][0]));
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end(0));

function started() {
  const child = fork(join(import.meta.dirname, 'dist', 'main.js'), {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  child.once('exit', (code) => end(code ?? 1));
  return once(child, 'message').then(([{ url }]) => url);
}

let proxy;
const urls = await Promise.all([started(), started()]);
proxy = roundRobin(urls.map((url) => Number(new URL(url).port)));
proxy.once('error', ({ message }) => {
  console.error(`${message}: choose another port with PORT=3001, or PORT=0 for any.`);
  void end(1);
});
proxy.listen(Number(PORT || 3000), '127.0.0.1', () => {
  console.log(`Two processes are listening on ${urls.join(' and ')}, with CACHE=${env.CACHE}.`);
  console.log(`Listening on http://127.0.0.1:${proxy.address().port}`);
  console.log(
    'Open it in a browser: each request goes to the next process, and a logout counts at both. Ctrl-C ends both.',
  );
});
