import { codeOf } from './error.mjs';
import type { Refresher } from './refresher.mjs';
import type { SharedSession } from './shared-session.mjs';
import type { JwtKnoxClient } from './types.mjs';
import type { Wire } from './wire.mjs';

/** Refusals that a refresh may heal, or explain: a session that has ended is `invalid_token` too. */
const STALE = ['token_expired', 'invalid_token'];

/** Whether a body is gone once it was sent: a stream. */
const isSpent = (body: any): boolean => !!body && !!(body.getReader || body[Symbol.asyncIterator]);

export function authenticatedFetch(wire: Wire, session: SharedSession, refresher: Refresher): JwtKnoxClient['fetch'] {
  // Browsers drop the cookie of an access token that has expired.
  const stale = wire.isBearer ? STALE : [...STALE, 'missing_token'];

  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const target = wire.url(request?.url ?? String(input));
    const headers = new Headers(init.headers ?? request?.headers);
    if (target.origin !== wire.url('').origin || headers.has('authorization'))
      return wire.send(request ?? target, init);

    const send = async () => {
      const { version, accessToken } = await session.read();
      if (accessToken) headers.set('authorization', `Bearer ${accessToken}`);
      // A copy, or there would be no body left to repeat.
      const response = await wire.sendAsUser(request?.clone() ?? target, { ...init, headers });
      return { response, version };
    };
    const { response, version } = await send();
    if (response.status !== 401 || !stale.includes((await codeOf(response))!)) return response;
    const outcome = await refresher.refresh(version);
    if (typeof outcome === 'object') return outcome.clone();
    return outcome && !isSpent(init.body) ? (await send()).response : response;
  };
}
