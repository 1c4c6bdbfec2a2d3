import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { millisecondsOf } from '../../../lib/options/duration';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const CENTURY = 100 * 365 * 86_400_000;

describe('a duration', () => {
  it.each([
    ['500ms', 500], ['10s', 10_000], ['5m', 300_000], ['12h', 43_200_000], ['30d', 2_592_000_000], ['2w', 1_209_600_000], ['1.5h', 5_400_000],
    ['5 m', 300_000], ['0s', 0], [0, 0], [300, 300_000], [0.5, 500],
  ])('of %j is %i ms', (duration, ms) => expect(millisecondsOf(duration)).toBe(ms)); // prettier-ignore

  it.each([
    '300', '', ' ', 's', '5', '-5m', '+5m', '5 minutes', '5min', '5M', '5S', ' 5m', '5m ', '5  m', '5m5s', '1e3s', '0x10s', '1,5h', '.5s', '5.s', '1.2345s', '٥m',
    '5m\n', 'NaNs', 'Infinitys', '9999999999999s', '101y', NaN, Infinity, -Infinity, -1, -0.001, 1e300, null, undefined, true, {}, [], ['5m'], new Date(0),
  ])('is not %j', (value) => expect(millisecondsOf(value)).toBeNull()); // prettier-ignore

  it('is its number times its unit, up to a century', () => {
    const unit = fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[]));
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000_000 }), unit, (count, name) => {
        const ms = count * UNITS[name];
        expect(millisecondsOf(`${count}${name}`)).toBe(ms <= CENTURY ? ms : null);
      }),
    );
  });

  it('takes a number for seconds', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 3_153_600_000 }),
        (seconds) => void expect(millisecondsOf(seconds)).toBe(seconds * 1_000),
      ),
    );
  });

  it('is a whole, bounded number of milliseconds or nothing, whatever it is read from', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.double(), fc.stringMatching(/^[\d.]{1,14} ?(ms|s|m|h|d|w)$/)), (value) => {
        const ms = millisecondsOf(value);
        if (ms !== null) expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= CENTURY).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
