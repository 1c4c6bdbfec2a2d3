import { BindingError, type BindingRefusal, BindingRejection } from '../contracts/binding-errors';
import type { BoundSession, ShownToken } from './session-binding';

/**
 * The refusals that the device of a session does not meet, by how the session is bound: somebody else has its token. The
 * others happen to honest devices too: clocks differ (`bad_proof`), and proxies send requests twice (`replayed`).
 */
const OF_COPIES: Readonly<Record<string, readonly BindingRefusal[]>> = {
  // A client with the key shows no token without a proof.
  dpop: ['wrong_key', 'wrong_scheme', 'no_proof'],
  // A browser whose refresh has failed shows its cookies without a proof.
  dbsc: ['wrong_key'],
};

/** Whether a refusal tells that a token of this session, which was found to be genuine, was copied. */
export function isOfCopy(
  error: BindingError | BindingRejection,
  { boundKind }: BoundSession,
  { presenter }: ShownToken,
) {
  // Host code, which shows a token without saying who sent it, is no thief.
  if (presenter === undefined || boundKind === null) return false;
  return OF_COPIES[boundKind]?.includes(error.refusal) ?? false;
}
