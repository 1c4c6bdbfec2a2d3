/**
 * How much a test looks at: the first number in `npm test`, the second with `TEST_LENGTH=long`, as `npm run test:all`
 * sets it.
 */
export const often = (short: number, long: number): number => (isLong() ? long : short);

/** Whether this run takes the time for everything. */
export const isLong = (): boolean => process.env.TEST_LENGTH === 'long';

/** Of cases that are alike, each with processes of its own: all in long runs, in others the first ones. */
export const firstOf = <T>(cases: readonly T[], count: number): readonly T[] =>
  isLong() ? cases : cases.slice(0, count);
