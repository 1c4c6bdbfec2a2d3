/** Where the library reads the time. Replaceable with the option `clock`, so that tests can move time by hand. */
export abstract class Clock {
  /** The present moment in epoch milliseconds, a whole number. */
  abstract now(): number;
}

/** The machine's own clock. Keep it right with NTP: session lifetimes are compared with it as it stands. */
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}
