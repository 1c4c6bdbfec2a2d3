import { InvalidTargetError } from '../contracts/errors';

/**
 * What an access token of a session carries: what the session was issued for, as far as the configuration still has it,
 * and of that what was asked for (RFC 8707 section 2.2). In the configuration's order.
 * @param issuedFor null: everything, also what the configuration has had since
 * @param wanted left out: everything that the session may
 * @throws InvalidTargetError for anything beyond that, and for a session of which nothing is left
 */
export function audienceOf(
  configured: readonly string[],
  issuedFor: readonly string[] | null,
  wanted?: readonly string[],
): readonly string[] {
  const allowed = issuedFor ? configured.filter((one) => issuedFor.includes(one)) : configured;
  if (issuedFor && allowed.length === 0) throw new InvalidTargetError();
  if (wanted === undefined) return allowed;
  if (wanted.length === 0 || !wanted.every((one) => allowed.includes(one))) throw new InvalidTargetError();
  return allowed.filter((one) => wanted.includes(one));
}
