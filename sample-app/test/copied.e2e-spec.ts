import * as dpop from 'dpop';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

const ORIGIN = 'https://app.example.com';
const REFUSED = 'Somebody tried to use this session from another device.';

describe.each(['express', 'fastify'])('with BINDING=prefer on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter, BINDING: 'prefer', PUBLIC_ORIGIN: ORIGIN });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  it('the page of devices tells of a token that was shown without its key', async () => {
    const keys = await dpop.generateKeyPair('ES256');
    const proof = (method: string, path: string, token?: string) =>
      dpop.generateProof(keys, `${ORIGIN}${path}`, method, undefined, token);
    const json = { username: 'alice', password: 'alice-password' };
    const headers = { dpop: await proof('POST', '/auth/login') };
    const { body } = await app.http.send('POST', '/auth/login', { json, headers });
    const page = async () => {
      const own = { authorization: `DPoP ${body.access_token}` };
      const proven = { ...own, dpop: await proof('GET', '/auth/devices', body.access_token) };
      return (await app.http.send('GET', '/auth/devices', { headers: proven })).text;
    };
    expect(await page()).not.toContain(REFUSED);
    expect((await app.http.send('GET', '/notes', { token: body.access_token })).status).toBe(401);
    await expect.poll(page, { timeout: 20_000 }).toContain(REFUSED);
  });
});
