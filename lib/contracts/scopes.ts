import { SESSION_FIELDS } from './session';

/** RFC 6749 section 3.3: printable ASCII without space, quotation mark and backslash. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const MOST_CHARACTERS = SESSION_FIELDS.scopes.length;
/** What a session without scopes may do, as its tokens say it. */
const EVERYTHING = '*';

/** Whether a text can be one scope. */
export function isScope(value: unknown): value is string {
  return typeof value === 'string' && SCOPE.test(value);
}

/**
 * A list of scopes as the row keeps it: each once, with a space between them; '' for none.
 * @param name where the list was given, for the message
 * @throws TypeError for anything but a list of scopes
 */
export function storedScopes(name: string, given: unknown): string {
  if (!Array.isArray(given) || !given.every(isScope)) {
    throw new TypeError(
      `${name} must be a list of scopes such as ['orders:read']: printable ASCII without spaces, '"' and '\\'.`,
    );
  }
  const stored = [...new Set(given)].join(' ');
  if (stored.length <= MOST_CHARACTERS) return stored;
  throw new TypeError(
    `${name} has ${stored.length} characters and the row keeps ${MOST_CHARACTERS}; give shorter scopes, or write 'orders:*' for several.`,
  );
}

/** The scopes of a session one by one; null for everything that its user may do. */
export function scopeList(scopes: string | null): readonly string[] | null {
  if (scopes === null) return null;
  return scopes === '' ? [] : scopes.split(' ');
}

/**
 * Whether a session may do what a scope names: it has the scope, or one that ends in `*` and covers it.
 * @param granted `session.scopes`; null for whatever its user may do
 * @example
 * if (!coversScope(session.scopes, 'orders:write')) hide(button);
 */
export function coversScope(granted: string | null, wanted: string): boolean {
  const list = scopeList(granted);
  return list === null || list.some((one) => one === wanted || isCoveredBy(one, wanted));
}

/** `orders:*` covers whatever begins with `orders:`, and `*` everything. */
function isCoveredBy(granted: string, wanted: string): boolean {
  if (granted === EVERYTHING) return true;
  return granted.endsWith(':*') && wanted.length >= granted.length && wanted.startsWith(granted.slice(0, -1));
}

/** What tokens and introspection say (RFC 9068 section 2.2.3): `*` for everything; left out where there is none. */
export function scopeClaim(scopes: string | null): string | undefined {
  return (scopes ?? EVERYTHING) || undefined;
}

/** The scopes of a session as its token says them. Without the claim there are none. */
export function scopesOfClaim(claim: unknown): string | null {
  if (typeof claim !== 'string') return '';
  return claim === EVERYTHING ? null : claim;
}
