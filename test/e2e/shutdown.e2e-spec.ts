import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import type { Platform } from '../support/platforms';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

describe.each(environments)('an application that is closing: $title', ({ platform, kind }) => {
  it('serves its users while the host still finishes its work', async () => {
    let statuses: number[] = [];

    @Injectable()
    class Draining implements BeforeApplicationShutdown {
      async beforeApplicationShutdown() {
        statuses = [
          (await t.http.get('/notes', { token: tokens.access_token })).status,
          (await t.http.post('/auth/refresh', { json: { refresh_token: tokens.refresh_token } })).status,
          (await t.http.get('/notes')).status,
        ];
      }
    }

    await open(platform, kind, { providers: [Draining] });
    await t.users.add('alice');
    const tokens = await t.login();
    await t.close();
    expect(statuses).toEqual([200, 200, 401]);
  });
});
