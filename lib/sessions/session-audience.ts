import { InvalidTargetError } from '../contracts/oauth-errors';
import { SESSION_FIELDS } from '../contracts/session';

const MOST_CHARACTERS = SESSION_FIELDS.audience.length;

/**
 * What an access token of a session carries: what the session was issued for, as far as the configuration still has it,
 * and of that what was asked for (RFC 8707 section 2.2). In the configuration's order.
 * @param issuedFor as the row has it
 * @param wanted left out: everything that the session may
 * @throws InvalidTargetError for anything beyond that, and for a session of which nothing is left
 */
export function audienceOf(
  configured: readonly string[],
  issuedFor: string | null,
  wanted?: string | readonly string[],
): readonly string[] {
  const allowed = issuedFor === null ? configured : configured.filter((one) => isIssuedFor(issuedFor, [one]));
  if (issuedFor !== null && allowed.length === 0) throw new InvalidTargetError();
  if (wanted === undefined) return allowed;
  const list: readonly string[] = typeof wanted === 'string' ? [wanted] : wanted;
  const isGranted = Array.isArray(list) && list.length > 0 && list.every((one) => allowed.includes(one));
  if (!isGranted) throw new InvalidTargetError();
  return allowed.filter((one) => list.includes(one));
}

/** Whether a session is for all of these. */
export function isIssuedFor(issuedFor: string | null, audience: readonly string[]): boolean {
  if (issuedFor === null) return true;
  const names = issuedFor.split(' ');
  return audience.every((one) => names.includes(one));
}

/**
 * The audience that `issue` was given, as the row keeps it: names with a space between them; null for everything that
 * is configured, now or later.
 * @throws TypeError
 */
export function storedAudience(configured: readonly string[], wanted: unknown): string | null {
  if (wanted === undefined) return null;
  const list: unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  const refuse = (problem: string) => new TypeError(`issue: audience ${problem}`);
  if (configured.length === 0) throw refuse('has nothing to choose from; set the option audience first.');
  if (list.length === 0 || !list.every((one) => configured.includes(one as string))) {
    throw refuse(`must be one or several of the option audience: ${configured.join(', ')}. Add it there.`);
  }
  const names = configured.filter((one) => list.includes(one));
  if (names.some((one) => /\s/.test(one))) throw refuse('has white space, and the row keeps names by it; rename it.');
  const stored = names.join(' ');
  if (stored.length <= MOST_CHARACTERS) return stored;
  throw refuse(`has ${stored.length} and the row keeps ${MOST_CHARACTERS} characters; give shorter names.`);
}
