import { afterAll, beforeAll, beforeEach } from 'vitest';
import { InvalidTokenError } from '../../lib';
import type { DatabaseKind } from './databases';
import { type AppSettings, createApp, type TestApp } from './create-app';
import type { Platform } from './platforms';
import type { User } from './users';

/** One application for all tests of a `describe`, and for each of them a user of its own and no events yet. */
export function useApp(
  { platform, kind }: { platform: Platform; kind: DatabaseKind },
  give: (app: TestApp, user: User) => void,
  settings?: AppSettings,
): void {
  let app: TestApp;
  let count = 0;
  beforeAll(async () => {
    app = await createApp(platform, kind, settings);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    const user = await app.users.add(`user${++count}`);
    app.events.length = 0;
    give(app, user);
  });
}

/** How many clients its server has. */
export function connectionsOf({ app }: Pick<TestApp, 'app'>): Promise<number> {
  return new Promise((resolve) => app.getHttpServer().getConnections((_: unknown, count: number) => resolve(count)));
}

/** Whether an access token is let in outside of HTTP; every error but that of a token that is not valid is thrown. */
export async function isAuthentic({ tokens }: TestApp, accessToken: string): Promise<boolean> {
  try {
    await tokens.authenticate(accessToken);
    return true;
  } catch (error) {
    if (error instanceof InvalidTokenError) return false;
    throw error;
  }
}
