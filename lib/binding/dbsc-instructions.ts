import type { BoundCookie } from '../contracts/token-transport';
import type { DbscPlace } from './dbsc-place';
import { ALGORITHMS } from './dbsc-proofs';
import { quoted } from './structured-fields';

/** How a browser prolongs a session: `attributes` are those of the `Set-Cookie`, or it would never find the cookie. */
export function instructionsFor(sessionId: string, { name, attributes }: BoundCookie, place: DbscPlace): object {
  return {
    session_identifier: sessionId,
    refresh_url: place.refreshPath,
    scope: {
      include_site: false,
      scope_specification: place.excludedPaths.map((path) => ({ type: 'exclude', path })),
    },
    credentials: [{ type: 'cookie', name, attributes }],
  };
}

/** What ends a session in a browser; another answer would end it as well, but as a failure. */
export function endOf(sessionId: string): object {
  return { session_identifier: sessionId, continue: false };
}

/** The value of `Secure-Session-Registration`: where to send a new key, and what it is to sign. */
export function registrationOffer(path: string, challenge: string): string {
  return `(${ALGORITHMS.join(' ')});path=${quoted(path)};challenge=${quoted(challenge)}`;
}

/** The value of `Secure-Session-Challenge`. */
export function challengeHeader(challenge: string, sessionId: string): string {
  return `${quoted(challenge)};id=${quoted(sessionId)}`;
}
