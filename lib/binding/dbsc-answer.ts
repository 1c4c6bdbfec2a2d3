import type { IssuedTokens } from '../contracts/issued-tokens';

/** What a browser is answered. Any 4xx but a challenge ends its key: it is only for what is meant to. */
export type DbscAnswer =
  /** New cookies, and how to prolong them. */
  | { readonly kind: 'renewed'; readonly tokens: IssuedTokens }
  /** Sign this. */
  | { readonly kind: 'challenge'; readonly sessionId: string; readonly challenge: string }
  /** The session is over, or another one has taken its place in this browser. */
  | { readonly kind: 'ended'; readonly sessionId: string }
  /** Not now: ask again later. */
  | { readonly kind: 'later' }
  | { readonly kind: 'refused'; readonly status: 400 | 401 | 409 };

export const LATER: DbscAnswer = { kind: 'later' };

export function refused(status: 400 | 401 | 409): DbscAnswer {
  return { kind: 'refused', status };
}
