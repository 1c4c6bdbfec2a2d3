import type { QueryRunner } from 'typeorm';
import { LateStatement } from './driver-errors';
import { cancelStatement, giveUp } from './give-up';

/** A connection that is lent. */
export interface Loan {
  readonly runner: QueryRunner;
  readonly connection: unknown;
  /** When it must be back, by `performance.now()`. */
  readonly due: number;
  /** Why it is closed. */
  lateness: LateStatement | undefined;
  isClosed: boolean;
}

/**
 * The connections that are lent at a moment. Those that are not back when they are due get closed. One timer for all of
 * them: a request needs none of its own.
 */
export class Loans {
  private readonly open = new Set<Loan>();
  private timer: NodeJS.Timeout | undefined;
  /** When the timer goes off. */
  private wakes = Infinity;

  begin(runner: QueryRunner, connection: unknown, timeout: number): Loan {
    const loan: Loan = { runner, connection, due: performance.now() + timeout, lateness: undefined, isClosed: false };
    this.open.add(loan);
    if (loan.due < this.wakes) this.wakeAt(loan.due, timeout);
    return loan;
  }

  /** One that came back late is closed all the same: a statement of somebody else's would meet its cancellation. */
  end(loan: Loan): void {
    this.open.delete(loan);
    this.close(loan);
  }

  /** It does not hold the process: a connection that is lent does that by itself. */
  private wakeAt(moment: number, delay: number): void {
    clearTimeout(this.timer);
    this.wakes = moment;
    this.timer = setTimeout(Loans.collect, delay, this).unref();
  }

  private static collect(loans: Loans): void {
    const now = performance.now();
    loans.wakes = Infinity;
    let next = Infinity;
    for (const loan of loans.open) {
      if (loan.due > now) next = Math.min(next, loan.due);
      else loans.cancel(loan);
    }
    if (next < Infinity) loans.wakeAt(next, next - now);
  }

  private cancel(loan: Loan): void {
    this.open.delete(loan);
    loan.lateness = new LateStatement();
    cancelStatement(loan.connection, () => this.close(loan));
  }

  private close(loan: Loan): void {
    if (!loan.lateness || loan.isClosed) return;
    loan.isClosed = true;
    giveUp(loan.runner, loan.connection, loan.lateness);
  }
}
