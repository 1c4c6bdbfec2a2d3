// How long requests hold connections, and how many are held: told by the library's channel, and sampled at the pool.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Worker } from 'node:worker_threads';

const CHANNEL = 'tracing:jwt-knox:storage:asyncEnd';

/** Looks from a thread of its own: a timer beside the requests would fire whenever one has just been worked on. */
const SAMPLER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const busy = new Int32Array(workerData);
  const never = new Int32Array(new SharedArrayBuffer(4));
  let [sum, samples, isOver] = [0, 0, false];
  parentPort.once('message', () => (isOver = true));
  const sample = () => {
    Atomics.wait(never, 0, 0, -Math.log(1 - Math.random()) * 2);
    sum += Atomics.load(busy, 0);
    samples++;
    if (isOver) parentPort.postMessage({ busy: sum / samples, samples });
    else setImmediate(sample);
  };
  sample();`;

export class Occupancy {
  /** @param pool that of pg, before its first connection is lent */
  constructor(pool) {
    this.shared = new SharedArrayBuffer(4);
    const lent = new Int32Array(this.shared);
    pool.on('acquire', () => void Atomics.add(lent, 0, 1));
    pool.on('release', () => void Atomics.sub(lent, 0, 1));
  }

  /** Begins or, when it is under way, ends. @returns `calls` and their mean time (ms), the mean of `busy` connections */
  async toggle() {
    if (!this.sampler) return this.#begin();
    const { sampler } = this;
    this.sampler = undefined;
    unsubscribe(CHANNEL, this.#note);
    const seconds = (performance.now() - this.began) / 1_000;
    const sampled = new Promise((resolve) => sampler.once('message', resolve));
    sampler.postMessage('end');
    const { busy, samples } = await sampled;
    await sampler.terminate();
    return { calls: this.calls, held: this.held / this.calls, busy, samples, seconds };
  }

  async #begin() {
    this.sampler = new Worker(SAMPLER, { eval: true, workerData: this.shared, execArgv: [] });
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
