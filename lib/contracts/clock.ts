/**
 * Where the library reads the time. Replaceable with the option `clock`, so that tests can move time by hand.
 * @example
 * export class OffsetClock extends Clock {
 *   now() {
 *     return Date.now() + 60_000; // epoch milliseconds
 *   }
 * }
 */
export abstract class Clock {
  /** The present moment in epoch milliseconds, a whole number. */
  abstract now(): number;
}

/**
 * The machine's own clock. Keep it right with NTP: session lifetimes are compared with it as it stands.
 * @example
 * JwtKnoxModule.forRoot({ secret, clock: new SystemClock() }); // the default
 */
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}

/** A moment in time: a `Date`, or milliseconds since the epoch. */
export type Moment = Date | number;

/** Milliseconds since the epoch; NaN for an invalid `Date` and for whatever is no moment. */
export function epochOf(moment: Moment): number {
  if (moment instanceof Date) return moment.getTime();
  return typeof moment === 'number' ? moment : NaN;
}
