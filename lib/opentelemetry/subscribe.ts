import { tracingChannel } from 'node:diagnostics_channel';
import type { OperationMessages } from '../contracts/diagnostics';

export type OperationName = keyof OperationMessages;

/** Names of the channels, in the order of the documentation. */
export const OPERATIONS: readonly OperationName[] = ['authenticate', 'login', 'refresh', 'revoke', 'purge', 'storage'];

/** The channel of an operation, as anybody gets it. */
export function channelOf(name: OperationName) {
  return tracingChannel<unknown, object>(`jwt-knox:${name}`);
}

/**
 * Calls once for each operation that is over, with its outcome: at `asyncEnd` or, where it answered at once, at `end`.
 * @returns ends it
 */
export function onSettled<Name extends OperationName>(
  name: Name,
  isOurs: (message: object) => boolean,
  listener: (message: OperationMessages[Name]) => void,
): () => void {
  const { end, asyncEnd } = channelOf(name);
  const settled = (message: unknown) => {
    const told = message as OperationMessages[Name];
    // At `end`, what is still under way has no outcome yet.
    if (told.outcome !== undefined && isOurs(told)) listener(told);
  };
  end.subscribe(settled);
  asyncEnd.subscribe(settled);
  return () => {
    end.unsubscribe(settled);
    asyncEnd.unsubscribe(settled);
  };
}
