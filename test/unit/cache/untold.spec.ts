import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Untold } from '../../../lib/cache/untold';

describe('what others were not told', () => {
  let told: string[];
  let attempts: number;
  let isDown: boolean;
  let untold: Untold;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    [told, attempts, isDown] = [[], 0, true];
    untold = new Untold(async (text) => {
      attempts++;
      if (isDown) throw new Error('down');
      told.push(text);
    }, 60_000);
  });
  afterEach(() => vi.useRealTimers());

  it('is told once, however often it was tried, and then nothing is left to do', async () => {
    for (let count = 0; count < 400; count++) untold.add('one');
    untold.add('two');
    await vi.advanceTimersByTimeAsync(10_000);
    expect([attempts, told]).toEqual([20, []]);
    isDown = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(told).toEqual(['one', 'two']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is everything when it took too long, however long that takes', async () => {
    untold.add('one');
    await vi.advanceTimersByTimeAsync(600_000);
    isDown = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect([told, vi.getTimerCount()]).toEqual([['{"all":true}'], 0]);
  });

  it('is everything, beyond a thousand', async () => {
    for (let count = 0; count < 1_001; count++) untold.add(`text ${count}`);
    untold.add('last');
    isDown = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(told).toEqual(['{"all":true}', 'last']);
  });

  it('ends with the application', async () => {
    untold.add('one');
    untold.stop();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(attempts).toBe(0);
  });
});
