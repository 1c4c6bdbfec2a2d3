import type { DataSource, QueryResult } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver';

/** PostgreSQL: the plan no longer fits a table that was altered; the connection has lost its prepared statements. */
const OUTDATED = new Set<unknown>(['0A000', '26000']);

/** What is read off a driver's answer. */
interface Outcome<T> {
  ofPostgres(answer: { rows: any[]; rowCount: number | null }): T;
  ofMysql(answer: any[]): T;
  ofTypeOrm(answer: QueryResult): T;
}

const ROWS: Outcome<any[]> = {
  ofPostgres: ({ rows }) => rows,
  ofMysql: ([rows]) => rows,
  ofTypeOrm: ({ records }) => records,
};

const AFFECTED: Outcome<number> = {
  ofPostgres: ({ rowCount }) => rowCount ?? 0,
  ofMysql: ([{ affectedRows }]) => affectedRows,
  ofTypeOrm: ({ affected }) => affected ?? 0,
};

/** Of its own among all that share a connection, and within the 63 characters that PostgreSQL looks at. */
function newName(): string {
  return `jwt_knox_sessions:${globalThis.crypto.randomUUID()}`;
}

/**
 * One statement that is sent again and again: its SQL is built once, and with `prepared` the server parses and plans it
 * once for each connection. On the primary, with replication too.
 *
 * Past TypeORM's own `query`, which has no prepared statements and costs as much as the driver; into its log.
 */
export class DirectStatement {
  private name = newName();

  constructor(
    private readonly source: DataSource,
    private readonly sql: string,
    private readonly prepared: boolean,
  ) {}

  /** The rows that it finds. */
  rows(values: unknown[]): Promise<any[]> {
    return this.run(values, ROWS);
  }

  /** How many rows it changes; on MySQL, how many match. */
  affected(values: unknown[]): Promise<number> {
    return this.run(values, AFFECTED);
  }

  private async run<T>(values: unknown[], outcome: Outcome<T>): Promise<T> {
    const { name } = this;
    try {
      return await this.send(values, outcome);
    } catch (error) {
      // It was not run. Prepared anew, and on every connection, for it gets another name.
      if (!this.prepared || !OUTDATED.has((error as { code?: unknown }).code)) throw error;
      if (this.name === name) this.name = newName();
      return this.send(values, outcome);
    }
  }

  private send<T>(values: unknown[], outcome: Outcome<T>): Promise<T> {
    switch (this.source.options.type) {
      case 'postgres':
        return this.onPostgres(values, outcome);
      case 'mysql':
      case 'mariadb':
        return this.onMysql(values, outcome);
      default:
        return this.byTypeOrm(values, outcome);
    }
  }

  private onPostgres<T>(values: unknown[], outcome: Outcome<T>): Promise<T> {
    const { driver, logger } = this.source;
    const pool = (driver as PostgresDriver).master;
    if (!pool) throw new Error('The data source is not connected.');
    const name = this.prepared ? this.name : undefined;
    logger.logQuery(this.sql, values);
    const sent: Promise<Parameters<Outcome<T>['ofPostgres']>[0]> = pool.query({ name, text: this.sql, values });
    return sent.then(outcome.ofPostgres, (error: Error) => this.fail(error, values));
  }

  private async onMysql<T>(values: unknown[], outcome: Outcome<T>): Promise<T> {
    const runner = this.source.createQueryRunner('master');
    try {
      const connection = await runner.connect();
      this.source.logger.logQuery(this.sql, values, runner);
      return outcome.ofMysql(await connection.promise()[this.prepared ? 'execute' : 'query'](this.sql, values));
    } catch (error) {
      return this.fail(error as Error, values);
    } finally {
      await runner.release();
    }
  }

  /** better-sqlite3 keeps prepared statements by itself. */
  private async byTypeOrm<T>(values: unknown[], outcome: Outcome<T>): Promise<T> {
    const runner = this.source.createQueryRunner('master');
    try {
      return outcome.ofTypeOrm(await runner.query(this.sql, values, true));
    } finally {
      await runner.release();
    }
  }

  private fail(error: Error, values: unknown[]): never {
    this.source.logger.logQueryError(error, this.sql, values);
    throw error;
  }
}
