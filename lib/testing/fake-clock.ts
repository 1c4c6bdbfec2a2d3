import { Clock } from '../contracts/clock';
import { type Duration, millisecondsOf } from '../options/duration';

/**
 * A clock that stands still until it is moved. Give it as the option `clock`.
 * @example
 * const clock = new FakeClock();
 * JwtKnoxModule.forRoot({ secret, clock });
 * clock.advance('6m'); // access tokens of before have expired
 */
export class FakeClock extends Clock {
  private present: number;

  /** @param start epoch milliseconds or a Date; now when left out */
  constructor(start: number | Date = Date.now()) {
    super();
    this.present = Number(start);
  }

  now(): number {
    return this.present;
  }

  /** Moves the clock forward, or back with `'-5m'`. */
  advance(duration: Duration): void {
    const text = String(duration);
    const back = text.startsWith('-');
    const ms = millisecondsOf(typeof duration === 'number' ? Math.abs(duration) : text.replace(/^-/, ''));
    if (ms === null) throw new TypeError(`FakeClock.advance: "${text}" is not a duration such as '5m'.`);
    this.present += back ? -ms : ms;
  }

  /** Sets the clock to a moment. */
  set(moment: number | Date): void {
    this.present = Number(moment);
  }
}
