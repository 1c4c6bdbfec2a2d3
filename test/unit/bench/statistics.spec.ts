import { describe, expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, run as it is
import { excesses, median, quantile, ratios, spread, verdict } from '../../../bench/statistics.mjs';

describe('the statistics of the benchmark', () => {
  it('the median is the middle one, or the mean of the middle two, in whatever order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
    expect(median([100, 9, 10])).toBe(10);
    expect(median([])).toBeNaN();
  });

  it('a quantile lies between the values that enclose it', () => {
    const values = Array.from({ length: 101 }, (_, index) => index);
    expect([quantile(values, 0), quantile(values, 0.99), quantile(values, 1)]).toEqual([0, 99, 100]);
    expect(quantile([10, 20], 0.25)).toBe(12.5);
  });

  it('leaves the samples in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('compares round by round, so that a slow round slows both and changes nothing', () => {
    expect(ratios([20, 200, 22], [10, 100, 11])).toEqual([2, 2, 2]);
    expect(excesses([15, 105, 15], [10, 100, 10])).toEqual([5, 5, 5]);
    // The medians alone would say otherwise.
    expect(median(ratios([10, 90, 100], [20, 30, 50]))).toBe(2);
    expect(median([10, 90, 100]) / median([20, 30, 50])).toBe(3);
  });

  it('refuses to compare samples of different rounds', () => {
    expect(() => ratios([1, 2], [1])).toThrow('same rounds');
  });

  it('tells how much rounds disagree, whatever a single one did', () => {
    expect(spread([10, 10, 10])).toBe(0);
    expect(spread([9, 10, 11, 10, 1_000])).toBeCloseTo(0.05);
  });

  it('a target is kept up to its limit; without a figure there is no verdict', () => {
    expect(['within', 'within', 'beyond']).toEqual([verdict(1, 1.5), verdict(1.5, 1.5), verdict(1.51, 1.5)]);
    expect([verdict(NaN, 1), verdict(Infinity, 1)]).toEqual(['unmeasured', 'unmeasured']);
  });
});
