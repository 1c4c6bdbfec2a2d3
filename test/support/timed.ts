/** No pause of the process counts for more than this: what a busy machine took is nobody's fault. */
const LONGEST_PAUSE = 50;
const TICK = 10;

/**
 * Awaits something and tells how long it took, in milliseconds: `elapsed` by the clock, for what must not come early, and
 * `awake` without the pauses of a busy machine, for what must not come late.
 */
export async function timed<T>(work: Promise<T>): Promise<{ result: T; elapsed: number; awake: number }> {
  const start = performance.now();
  let last = start;
  let awake = 0;
  const note = () => {
    const now = performance.now();
    awake += Math.min(now - last, LONGEST_PAUSE);
    last = now;
  };
  const ticks = setInterval(note, TICK);
  try {
    const result = await work;
    note();
    return { result, elapsed: last - start, awake };
  } finally {
    clearInterval(ticks);
  }
}
