import { randomBytes } from 'node:crypto';
import { appWith, forRoot, useClass, useExisting, useFactory } from '../src/apps.js';
import { type Running, start } from './start.js';

const secret = (process.env.JWT_SECRET = randomBytes(48).toString('base64'));
const alice = { username: 'alice', password: 'correct horse' };

describe.each([
  ['forRoot', () => forRoot({ secret })],
  ['forRootAsync and useFactory', useFactory],
  ['forRootAsync and useClass', useClass],
  ['forRootAsync and useExisting', useExisting],
])('An application with %s', (_way, knox) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(appWith(knox()));
  });
  afterAll(() => running.app.close());

  const login = async () => {
    const answer = await running.request('POST', '/auth/login', { json: alice });
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 300 } });
    return answer.body;
  };

  it('lets a user in from login to logout, and not a request longer', async () => {
    const { access_token: token, session_id: sessionId } = await login();
    const notes = await running.request('GET', '/notes', { token });
    expect(notes).toEqual({ status: 200, body: { userId: 7, username: 'alice', sessionId } });
    expect((await running.request('POST', '/auth/logout', { token })).status).toBe(204);
    const after = await running.request('GET', '/notes', { token });
    expect(after).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });

  it('refreshes a session, which ends with its logout', async () => {
    const json = { refresh_token: (await login()).refresh_token };
    const refreshed = await running.request('POST', '/auth/refresh', { json });
    expect(refreshed.status).toBe(200);
    const { access_token: token, refresh_token } = refreshed.body;
    expect((await running.request('GET', '/notes', { token })).status).toBe(200);
    expect((await running.request('POST', '/auth/logout', { token })).status).toBe(204);
    expect((await running.request('POST', '/auth/refresh', { json: { refresh_token } })).status).toBe(401);
  });

  it('keeps a wrong password and a missing token out', async () => {
    const wrong = await running.request('POST', '/auth/login', { json: { ...alice, password: 'wrong' } });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
    const missing = await running.request('GET', '/notes');
    expect(missing).toMatchObject({ status: 401, body: { code: 'missing_token' } });
  });

  it('answers a bad request body with 400, though the host has no validation pipe', async () => {
    const answer = await running.request('POST', '/auth/login', { json: { username: 5 } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('leaves a public route open', async () => {
    expect(await running.request('GET', '/notes/about')).toEqual({ status: 200, body: { about: 'notes' } });
  });
});
