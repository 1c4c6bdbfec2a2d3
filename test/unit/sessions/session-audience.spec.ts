import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidTargetError } from '../../../lib/contracts/oauth-errors';
import { audienceOf, isIssuedFor, storedAudience } from '../../../lib/sessions/session-audience';

const NAMES = ['api', 'billing', 'reports', 'search', 'https://api.example.com', '__proto__', 'constructor'];
const some = (minLength = 0) => fc.uniqueArray(fc.constantFrom(...NAMES), { minLength });
const orNone = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const granted = (...args: Parameters<typeof audienceOf>) => {
  try {
    return audienceOf(...args);
  } catch (error) {
    if (error instanceof InvalidTargetError) return null;
    throw error;
  }
};

describe('what an access token is for', () => {
  it('S5: is never more than was configured, issued and asked for, and all of that where it is granted', () => {
    fc.assert(
      fc.property(some(), orNone(some(1)), orNone(some()), (configured, issued, wanted) => {
        const token = granted(configured, issued ? issued.join(' ') : null, wanted);
        const allowed = configured.filter((one) => !issued || issued.includes(one));
        const isGranted =
          (issued === undefined || allowed.length > 0) &&
          (wanted === undefined || (wanted.length > 0 && wanted.every((one) => allowed.includes(one))));
        expect(token).toEqual(isGranted ? allowed.filter((one) => !wanted || wanted.includes(one)) : null);
      }),
    );
  });

  it('is the same for one name as for a list of one', () => {
    expect(audienceOf(['a', 'b'], null, 'b')).toEqual(['b']);
    expect(audienceOf(['a', 'b'], 'b', ['b', 'b'])).toEqual(['b']);
  });

  it('is refused, whatever is asked for that is no list of names', () => {
    const others = fc.anything().filter((one) => one !== undefined && one !== 'api' && !Array.isArray(one));
    fc.assert(fc.property(others, (wanted) => granted(['api'], null, wanted as string) === null));
  });

  it('takes no part of a name for the name', () => {
    for (const wanted of ['ap', 'api2', 'a', ' api', 'api billing', '']) {
      expect(granted(['api', 'billing'], 'api billing', wanted)).toBeNull();
    }
    expect(granted(['api'], 'api2 billing')).toBeNull();
  });
});

describe('what a row says of it', () => {
  it('brings back what was issued for', () => {
    fc.assert(
      fc.property(some(1), some(1), (configured, wanted) => {
        fc.pre(wanted.every((one) => configured.includes(one)));
        const stored = storedAudience(configured, wanted);
        expect(audienceOf(configured, stored)).toEqual(configured.filter((one) => wanted.includes(one)));
        for (const one of NAMES) expect(isIssuedFor(stored, [one])).toBe(wanted.includes(one));
      }),
    );
  });

  it('is nothing for everything', () => {
    expect(storedAudience(['a'], undefined)).toBeNull();
    expect(storedAudience([], undefined)).toBeNull();
    expect([isIssuedFor(null, ['a', 'b']), isIssuedFor('a', []), isIssuedFor('a', ['a', 'b'])]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('refuses whatever is not configured, with the remedy', () => {
    fc.assert(
      fc.property(fc.anything(), (wanted) => {
        fc.pre(wanted !== undefined && wanted !== 'api' && !(Array.isArray(wanted) && wanted.includes('api')));
        expect(() => storedAudience(['api'], wanted)).toThrow(/^issue: audience must be one or several .*api\. Add/);
      }),
    );
  });
});
