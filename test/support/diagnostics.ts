import { tracingChannel } from 'node:diagnostics_channel';
import type { OperationMessages } from '../../lib';

export const OPERATIONS = ['authenticate', 'login', 'refresh', 'revoke', 'purge', 'storage'] as const;
const STEPS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

export interface Heard {
  name: keyof OperationMessages;
  step: (typeof STEPS)[number];
  message: any;
  /** What the message said when it came. */
  said: Record<string, unknown>;
}

/** Hears all channels until `stop`. */
export function listen(names: readonly (keyof OperationMessages)[] = OPERATIONS) {
  const heard: Heard[] = [];
  const subscriptions = names.flatMap((name) =>
    STEPS.map((step) => {
      const channel = tracingChannel<unknown, object>(`jwt-knox:${name}`)[step];
      const listener = (message: unknown) => void heard.push({ name, step, message, said: { ...(message as object) } });
      channel.subscribe(listener);
      return () => channel.unsubscribe(listener);
    }),
  );
  /** The messages of what is over, by the name of the operation. */
  const settled = (name: keyof OperationMessages) =>
    [...new Set(heard.filter((one) => one.name === name && one.said.outcome).map((one) => one.message))].map(
      ({ duration, ...rest }) => {
        if (typeof duration !== 'number' || duration < 0) throw new Error(`No duration: ${duration}`);
        return rest as Record<string, unknown>;
      },
    );
  return { heard, settled, stop: () => subscriptions.forEach((stop) => void stop()) };
}
