import type { ClientStorage } from './types.mjs';

/** Milliseconds. Longer than one try of a refresh; whoever took the lock and is gone holds up the others no longer. */
const LEASE = 15_000;
/** Milliseconds between two looks at who holds it. */
const TURN = 50;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** 128 random bits. `crypto.randomUUID` is not there on plain http. */
export const random = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * Runs one work at a time among all who share a storage, where there are no Web Locks. A storage has no conditional
 * write: whoever finds no holder writes itself down, and is the holder if it still is after others had time to do the
 * same. When that fails, two refresh at once with the same `Idempotency-Key`, which the server forgives.
 * @param settling milliseconds within which somebody who saw no holder has written itself down
 */
export async function withStorageLock<T>(
  storage: ClientStorage,
  key: string,
  settling: number,
  work: () => Promise<T>,
): Promise<T> {
  const me = random();
  const read = async () => (await storage.getItem(key))?.split(' ') ?? [];
  for (;;) {
    const [, until] = await read();
    const left = Number(until ?? 0) - Date.now();
    if (left <= 0 || left > LEASE) {
      await storage.setItem(key, `${me} ${Date.now() + LEASE}`);
      await sleep(settling);
      if ((await read())[0] === me) break;
    }
    await sleep(TURN * (1 + Math.random()));
  }
  try {
    return await work();
  } finally {
    if ((await read())[0] === me) await storage.removeItem(key);
  }
}
