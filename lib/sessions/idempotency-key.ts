import { InvalidRequestError } from '../contracts/errors';
import { sha256 } from '../tokens/token-key';

const KEY = /^[\x20-\x7e]{1,128}$/;

/** What the row keeps of an `Idempotency-Key`: its digest. @throws InvalidRequestError for anything else than a short text */
export function attemptDigest(key: string | undefined): string | null {
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return sha256(key);
  throw new InvalidRequestError('Idempotency-Key must be 1 to 128 printable ASCII characters; send one such header.');
}
