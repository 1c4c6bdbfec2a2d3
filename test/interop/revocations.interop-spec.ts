import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { createStreamingIssuer, portOf, Relay } from '../support/revocations';
import { AUDIENCE, CLIENT, ISSUER } from '../support/verified-services';

let issuer: TestApp;
let relay: Relay;

beforeAll(async () => {
  issuer = await createStreamingIssuer(platforms[0]!, 'sqlite');
  relay = await Relay.before(portOf(issuer));
  await issuer.users.add('alice');
});
afterAll(async () => {
  await relay.close();
  await issuer.close();
});

it('L5: a service in Python hears which sessions end, and notices a frame that is missing', async () => {
  const child = spawn(process.env.TEST_PYTHON ?? '/usr/bin/python3', [join(__dirname, 'revocations.py')]);
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += chunk));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value ?? complaints;
  const judge = async (token: string) => {
    child.stdin.write(`${token}\n`);
    let line = await next();
    while (line === 'heard') line = await next();
    return line;
  };
  const until = async (token: string, expected: string) => {
    let said = await judge(token);
    for (const end = performance.now() + 20_000; said !== expected && performance.now() < end;)
      said = await judge(token);
    return said;
  };
  try {
    const address = { jwks_uri: `${relay.url}/.well-known/jwks.json`, stream: `${relay.url}/auth/revocations` };
    child.stdin.write(`${JSON.stringify({ ...address, ...CLIENT, issuer: ISSUER, audience: AUDIENCE })}\n`);
    expect(await next()).toBe('heard');
    const [one, two] = [await issuer.login(), await issuer.login()];
    // On a busy machine a heartbeat is late, and the service asks for a moment.
    for (const { access_token: token } of [one, two]) expect(await until(token, 'good')).toBe('good');
    await issuer.http.post('/auth/logout', { token: one.access_token });
    expect(await until(one.access_token, 'over')).toBe('over');
    expect(await until(two.access_token, 'good')).toBe('good');
    let count = 0;
    relay.change = (event) => (count++ === 0 ? [] : event);
    expect(await until(two.access_token, 'ask')).toBe('ask');
    relay.change = undefined;
    expect(await until(two.access_token, 'good')).toBe('good');
    expect(await judge(one.access_token)).toBe('over');
  } finally {
    child.kill();
  }
});
