// How long requests hold connections, and how many are held: told by the library's channel, and sampled at the pool.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Worker } from 'node:worker_threads';

const CHANNEL = 'tracing:jwt-knox:storage:asyncEnd';

/** Looks from a thread of its own: a timer beside the requests would fire whenever one has just been worked on. */
const SAMPLER = `
  const { parentPort, workerData } = require('node:worker_threads');
  // How many are lent, and whether it is over.
  const shared = new Int32Array(workerData);
  let [sum, samples] = [0, 0];
  while (Atomics.wait(shared, 1, 0, -Math.log(1 - Math.random()) * 2) === 'timed-out') {
    sum += Atomics.load(shared, 0);
    samples++;
  }
  parentPort.postMessage({ busy: sum / samples, samples });`;

export class Occupancy {
  /** @param pool that of pg, before its first connection is lent */
  constructor(pool) {
    this.shared = new Int32Array(new SharedArrayBuffer(8));
    pool.on('acquire', () => void Atomics.add(this.shared, 0, 1));
    pool.on('release', () => void Atomics.sub(this.shared, 0, 1));
  }

  /** Begins or, when it is under way, ends. @returns `calls` and their mean time (ms), the mean of `busy` connections */
  async toggle() {
    if (!this.sampler) return this.#begin();
    const { sampler } = this;
    this.sampler = undefined;
    unsubscribe(CHANNEL, this.#note);
    const seconds = (performance.now() - this.began) / 1_000;
    const sampled = new Promise((resolve) => sampler.once('message', resolve));
    Atomics.store(this.shared, 1, 1);
    Atomics.notify(this.shared, 1);
    const { busy, samples } = await sampled;
    await sampler.terminate();
    return { calls: this.calls, held: this.held / this.calls, busy, samples, seconds };
  }

  async #begin() {
    Atomics.store(this.shared, 1, 0);
    this.sampler = new Worker(SAMPLER, { eval: true, workerData: this.shared.buffer, execArgv: [] });
    await new Promise((resolve) => this.sampler.once('online', resolve));
    Object.assign(this, { calls: 0, held: 0, began: performance.now() });
    subscribe(CHANNEL, this.#note);
    return null;
  }

  #note = ({ duration }) => {
    this.calls++;
    this.held += duration;
  };
}
