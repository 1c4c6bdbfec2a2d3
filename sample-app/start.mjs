// `npm start`: builds what is out of date, then runs the application in this very process.
// `npm run start:services`: beside it, in a process of its own, a second service that takes the same tokens.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import './build.mjs';
import './end-with-npm.mjs';

const app = import.meta.dirname;
const orders = join(app, 'dist', 'orders', 'main.js');

const withServices = process.argv.includes('--services');
if (withServices) {
  const key = (process.env.SIGNING_KEY ||= join(app, 'signing-key.pem'));
  process.env.VERIFYING_KEY ||= `${key}.pub`;
  process.env.ISSUER ||= `http://localhost:${process.env.PORT || 3000}`;
  process.env.AUDIENCE ||= 'sample';
  process.env.ORDERS_SECRET ||= randomBytes(32).toString('hex');
}

const { url } = await import('./dist/main.js');

if (withServices) {
  const child = fork(orders, { env: { ...process.env, ISSUER_URL: url } });
  child.once('exit', (code) => process.exit(code ?? 1));
}
