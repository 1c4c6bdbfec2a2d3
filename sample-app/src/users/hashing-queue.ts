import { availableParallelism } from 'node:os';
import { HttpException } from '@nestjs/common';
import fastq, { type queueAsPromised } from 'fastq';
import { TooBusyError } from 'nestjs-jwt-knox';

/** Who waits for an answer: a request of Express or of Fastify. */
export interface Client {
  readonly socket: { readonly destroyed: boolean };
}

interface Hashing {
  client: Client | undefined;
  hash: () => Promise<unknown>;
}

/** Leaves one core to everything else, and one of the four threads that Node has for such work. */
const AT_ONCE = Math.max(1, Math.min(3, availableParallelism() - 1));
const WAITING = 32;

/**
 * Lets few passwords be hashed at once, and few wait for it. A hash costs tens of milliseconds of a core and 19 MB of
 * memory: without a limit, somebody who sends 300 logins makes everybody else wait for 300 hashes.
 */
export class HashingQueue {
  private readonly queue: queueAsPromised<Hashing>;

  /** @param waiting how many more may wait for their turn */
  constructor(
    private readonly atOnce = AT_ONCE,
    private readonly waiting = WAITING,
  ) {
    this.queue = fastq.promise(HashingQueue.work, atOnce);
  }

  /**
   * @param client without one, the hash is made in any case
   * @throws TooBusyError when as many wait as may: 503 with `Retry-After`
   */
  async run<T>(client: Client | undefined, hash: () => Promise<T>): Promise<T> {
    if (this.queue.running() + this.queue.length() >= this.atOnce + this.waiting) throw new TooBusyError();
    return this.queue.push({ client, hash });
  }

  private static async work({ client, hash }: Hashing): Promise<unknown> {
    // The client went away while it waited: nobody would read the answer.
    if (client?.socket.destroyed) throw new HttpException('The client closed the request.', 499);
    return hash();
  }
}
