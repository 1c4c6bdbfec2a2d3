import { randomUUID } from 'node:crypto';
import { hash, verify, type Options } from '@node-rs/argon2';

/** Argon2id; `normal` is what OWASP's Password Storage Cheat Sheet asks for at least, `low` is for load tests. */
const COSTS = {
  normal: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  low: { memoryCost: 64, timeCost: 1, parallelism: 1 },
} satisfies Record<string, Options>;

/** Hashes and verifies passwords. */
export class Passwords {
  private readonly cost: Options;
  private readonly dummy: Promise<string>;

  constructor(cost: keyof typeof COSTS) {
    this.cost = COSTS[cost];
    this.dummy = this.hash(randomUUID());
  }

  hash(password: string): Promise<string> {
    return hash(password, this.cost);
  }

  /** False without a hash, but not sooner: the time it takes must not tell who has an account. */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    const matches = await verify(passwordHash ?? (await this.dummy), password);
    return matches && passwordHash !== undefined;
  }
}
