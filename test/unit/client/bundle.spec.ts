import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What an application's bundler makes of the entry point, and of all that it exports. */
async function bundled(input = 'lib/client/index.mts'): Promise<string> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      rolldownOptions: { input, preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput;
  expect(output).toHaveLength(1);
  return output[0].code;
}

/** Logs in and asks for the session, as a program of its own: in its main thread, and in a worker. */
const PROGRAM = `
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { createJwtKnoxClient } from './client.mjs';
const run = async () => {
  const client = createJwtKnoxClient({ baseUrl: process.argv[2], mode: 'bearer' });
  return [await client.login({ username: 'alice', password: 'p' }), (await client.session()).id];
};
if (!isMainThread) parentPort.postMessage(await run());
else {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  const ofWorker = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  console.log(JSON.stringify([await run(), await ofWorker]));
}
`;

describe('the client as it is bundled', () => {
  let code: string;
  let folder: string;
  beforeAll(async () => {
    code = await bundled();
    folder = mkdtempSync(join(tmpdir(), 'jwt-knox-client-'));
    writeFileSync(join(folder, 'client.mjs'), code);
    writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has at most 2 kB more with DPoP, minified and compressed', async () => {
    const { length } = gzipSync(await bundled('lib/client/dpop.mts'), { level: 9 });
    expect(length).toBeGreaterThan(800);
    expect(length).toBeLessThanOrEqual(2_000);
  });

  it('has at most 3 kB, minified and compressed', () => {
    const { length } = gzipSync(code, { level: 9 });
    expect(length).toBeGreaterThan(1_000);
    expect(length).toBeLessThanOrEqual(3_000);
  });

  it('imports nothing', () => {
    expect(code).not.toMatch(/\b(?:import|require)\b/);
  });

  it("runs in a program and in a worker of it, without code from strings (script-src 'self')", async () => {
    const server = createServer((request, response) => {
      const body = request.url === '/auth/login' ? { session_id: 's1', access_token: 'a1' } : { id: 's1' };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`;
      const args = ['--disallow-code-generation-from-strings', join(folder, 'program.mjs'), baseUrl];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
      expect(JSON.parse(stdout)).toEqual([
        ['s1', 's1'],
        ['s1', 's1'],
      ]);
    } finally {
      server.close();
    }
  });
});
