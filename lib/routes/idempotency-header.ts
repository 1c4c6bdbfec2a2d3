import { InvalidRequestError } from '../contracts/errors';
import { headerCount } from '../guard/bearer.transport';

/** The `Idempotency-Key` of a request, as it was sent; undefined when it has none. @throws InvalidRequestError for several */
export function idempotencyKeyOf(request: any): string | undefined {
  if (headerCount(request, 'idempotency-key') > 1)
    throw new InvalidRequestError('Send one Idempotency-Key header, not several.');
  return request.headers?.['idempotency-key'];
}
