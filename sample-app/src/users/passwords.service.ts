import { randomUUID } from 'node:crypto';
import { hash, verify, type Options } from '@node-rs/argon2';
import type { Client, HashingQueue } from './hashing-queue.js';

/** Argon2id; `normal` is what OWASP's Password Storage Cheat Sheet asks for at least, `low` is for load tests. */
const COSTS = {
  normal: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  low: { memoryCost: 64, timeCost: 1, parallelism: 1 },
} satisfies Record<string, Options>;

/**
 * Hashes and verifies passwords, each when its turn comes.
 * Throws a `TooBusyError` (503) when too many wait.
 */
export class Passwords {
  private readonly cost: Options;
  private readonly dummy: Promise<string>;

  constructor(
    cost: keyof typeof COSTS,
    private readonly queue: HashingQueue,
  ) {
    this.cost = COSTS[cost];
    this.dummy = hash(randomUUID(), this.cost);
  }

  /** @param client who waits for it; nothing is hashed for one that has gone */
  hash(password: string, client?: Client): Promise<string> {
    return this.queue.run(client, () => hash(password, this.cost));
  }

  /** False without a hash, but not sooner: the time it takes must not tell who has an account. */
  async verify(passwordHash: string | undefined, password: string, client?: Client): Promise<boolean> {
    const matches = await this.queue.run(client, async () => verify(passwordHash ?? (await this.dummy), password));
    return matches && passwordHash !== undefined;
  }
}
