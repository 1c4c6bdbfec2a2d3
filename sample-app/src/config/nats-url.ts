import type { EnvReader } from './env-reader.js';

/** Where the broker is over which the first service asks the second; null when it does not. */
export function natsUrlOf(read: EnvReader): string | null {
  const isOn = read.choice('ORDERS_TRANSPORT', ['http', 'nats']) === 'nats';
  return isOn ? (read.text('NATS_URL') ?? 'nats://127.0.0.1:4222') : null;
}
