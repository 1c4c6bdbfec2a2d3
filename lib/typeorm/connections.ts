import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { CausalReads } from './causal-reads';
import { isDatabaseUnavailable } from './driver-errors';
import { giveUp } from './give-up';
import { Loans } from './loans';

/** What is done on a connection: by TypeORM's runner, or by the driver's connection that it holds. */
type Work<T> = (runner: QueryRunner, connection: unknown) => Promise<T>;

/**
 * Lends connections to the primary: with replication, TypeORM reads from a replica by itself. One that does not come back
 * in time, or comes back broken, is closed: the pool would hand it out again, or wait for it for ever.
 */
export class Connections {
  readonly source: DataSource;
  private readonly loans = new Loans();
  private readonly causal: CausalReads | undefined;

  /** @param timeout how long work may hold a connection, in ms; for ever when left out */
  constructor(
    readonly manager: EntityManager,
    private readonly timeout?: number,
  ) {
    this.source = manager.connection;
    this.causal = CausalReads.of(this.source);
  }

  /** The connection of the transaction of the host's that this is within; it is the host's, and never closed here. */
  get ofHost(): QueryRunner | undefined {
    return this.manager.queryRunner;
  }

  /** Lends a connection, or within a transaction of the host's its own. */
  lend<T>(work: (runner: QueryRunner) => Promise<T>, timeout?: number): Promise<T> {
    return this.ofHost ? work(this.ofHost) : this.lendOwn(work, timeout);
  }

  /** The same for statements that TypeORM builds. */
  manage<T>(work: (manager: EntityManager) => Promise<T>, timeout?: number): Promise<T> {
    return this.ofHost ? work(this.manager) : this.lendOwn((runner) => work(runner.manager), timeout);
  }

  /** Lends a connection outside of any transaction of the host's. */
  async lendOwn<T>(work: Work<T>, timeout = this.timeout): Promise<T> {
    const runner = this.source.createQueryRunner('master');
    try {
      const connection: unknown = await runner.connect();
      const loan = timeout === undefined ? undefined : this.loans.begin(runner, connection, timeout);
      try {
        if (this.causal?.isDueOn(connection)) await this.causal.settle(runner, connection);
        return await work(runner, connection);
      } catch (error) {
        if (loan?.lateness) throw loan.lateness;
        if (isDatabaseUnavailable(error)) giveUp(runner, connection, error as Error);
        throw error;
      } finally {
        if (loan) this.loans.end(loan);
      }
    } finally {
      await runner.release();
    }
  }
}
