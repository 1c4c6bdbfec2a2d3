import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe.each(['express', 'fastify'])('the documentation of the routes, on %s', (adapter) => {
  let app: AppProcess;
  beforeAll(async () => {
    AppProcess.build();
    app = await AppProcess.start({ HTTP_ADAPTER: adapter, DOCS: 'on' });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  it('is a document of the routes of the application and of the library', async () => {
    const { status, body } = await app.http.send('GET', '/docs-json');
    expect(status).toBe(200);
    const ways = [{ accessToken: [] }, { accessCookie: [] }];
    expect(body.paths['/notes'].get.security).toEqual(ways);
    expect(body.paths['/auth/sessions'].get.security).toEqual(ways);
    expect(body.paths['/auth/login'].post.security).toEqual([]);
    expect(Object.keys(body.paths['/auth/login'].post.responses)).toContain('429');
    expect(Object.keys(body.paths)).toContain('/auth/devices');
  });

  it('is shown to a browser', async () => {
    const { status, text } = await app.http.send('GET', '/docs');
    expect([status, text]).toEqual([200, expect.stringContaining('swagger-ui')]);
    const script = await app.http.send('GET', '/docs/swagger-ui-bundle.js');
    expect(script.status).toBe(200);
  });
});

describe('without DOCS=on', () => {
  it('there is none', async () => {
    const app = await AppProcess.start();
    try {
      for (const path of ['/docs', '/docs-json']) expect((await app.http.send('GET', path)).status).toBe(404);
    } finally {
      await app.stop();
    }
  });
});
