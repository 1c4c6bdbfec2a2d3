import type { INestApplicationContext } from '@nestjs/common';
import type { Device } from '../contracts/device';
import type { Session } from '../contracts/session';
import { TokenService } from '../sessions/token.service';

/** A user who is logged in, ready to send requests. */
export interface Actor {
  /** To send with each request: `{ authorization: 'Bearer …' }`. */
  readonly headers: { readonly authorization: string };
  readonly session: Session;
  /** Undefined in single-token mode. */
  readonly refreshToken: string | undefined;
}

/**
 * Logs a user in without credentials, for your e2e tests. It starts a real session in the application's
 * storage, so every guard judges the requests as in production, a global one too.
 * @param user as the application's UserProvider knows it
 * @returns the headers to send, the session and its refresh token
 * @example
 * const { headers } = await actingAs(app, alice);
 * await request(app.getHttpServer()).get('/notes').set(headers).expect(200);
 */
export async function actingAs(app: INestApplicationContext, user: unknown, device: Device = {}): Promise<Actor> {
  const tokens = await app.get(TokenService, { strict: false }).issue(user, device);
  const actor = { headers: { authorization: `Bearer ${tokens.accessToken}` }, session: tokens.session };
  return Object.defineProperty(actor as Actor, 'refreshToken', { value: tokens.refreshToken });
}
