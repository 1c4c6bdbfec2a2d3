import type { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver';

/** PostgreSQL: the plan no longer fits a table that was altered; the connection has lost its prepared statements. */
const OUTDATED = new Set<unknown>(['0A000', '26000']);

/** Of its own among all that share a connection, and within the 63 characters that PostgreSQL looks at. */
function newName(): string {
  return `jwt_knox_sessions:${globalThis.crypto.randomUUID()}`;
}

/**
 * One SELECT that is sent again and again: its SQL is built once, and with `prepared` the server parses and plans it once
 * for each connection. On the primary, with replication too.
 */
export class PreparedRead {
  private name = newName();

  constructor(
    private readonly source: DataSource,
    private readonly sql: string,
    private readonly prepared: boolean,
  ) {}

  async rows(values: unknown[]): Promise<any[]> {
    const { name } = this;
    try {
      return await this.send(values);
    } catch (error) {
      if (!this.prepared || !OUTDATED.has((error as { code?: unknown }).code)) throw error;
      // Prepared anew, and on every connection, for it gets another name.
      if (this.name === name) this.name = newName();
      return this.send(values);
    }
  }

  private send(values: unknown[]): Promise<any[]> {
    switch (this.source.options.type) {
      case 'postgres':
        return this.onPostgres(values);
      case 'mysql':
      case 'mariadb':
        return this.onMysql(values);
      default:
        // better-sqlite3 keeps prepared statements by itself, through TypeORM.
        return this.source.query(this.sql, values);
    }
  }

  // Past TypeORM's own `query`, which has no prepared statements and costs as much as the driver; into its log.

  private onPostgres(values: unknown[]): Promise<any[]> {
    const { driver, logger } = this.source;
    const pool = (driver as PostgresDriver).master;
    if (!pool) throw new Error('The data source is not connected.');
    const name = this.prepared ? this.name : undefined;
    logger.logQuery(this.sql, values);
    return pool.query({ name, text: this.sql, values }).then(rowsOf, (error: Error) => this.fail(error, values));
  }

  private async onMysql(values: unknown[]): Promise<any[]> {
    const runner = this.source.createQueryRunner('master');
    try {
      const connection = await runner.connect();
      this.source.logger.logQuery(this.sql, values, runner);
      return (await connection.promise()[this.prepared ? 'execute' : 'query'](this.sql, values))[0];
    } catch (error) {
      return this.fail(error as Error, values);
    } finally {
      await runner.release();
    }
  }

  private fail(error: Error, values: unknown[]): never {
    this.source.logger.logQueryError(error, this.sql, values);
    throw error;
  }
}

function rowsOf({ rows }: { rows: any[] }): any[] {
  return rows;
}
