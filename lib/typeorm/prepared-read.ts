import type { DataSource, QueryRunner } from 'typeorm';
import { isMysql2Connection, isPgClient } from './fast-connection';

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
    /** Within a transaction of the host's, that of the transaction. */
    private readonly runner?: QueryRunner,
  ) {}

  /** The rows, each as the values of its columns: cheaper than objects, which drivers build member by member. */
  async rows(values: unknown[]): Promise<unknown[][]> {
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

  private send(values: unknown[]): Promise<unknown[][]> {
    if (this.runner) return this.runner.query(this.sql, values).then((rows: object[]) => rows.map(Object.values));
    switch (this.source.options.type) {
      case 'postgres':
        return this.onConnection(values, isPgClient, (client) => this.askPostgres(client, values));
      case 'mysql':
      case 'mariadb':
        return this.onConnection(values, isMysql2Connection, (connection) => this.askMysql(connection, values));
      default:
        // better-sqlite3 keeps prepared statements by itself, through TypeORM.
        return this.source.query(this.sql, values).then(valuesOf);
    }
  }

  /**
   * Past TypeORM's own `query`, which has no prepared statements and costs as much as the driver; into its log. The plain
   * way, by TypeORM, where another driver takes the place of the usual one.
   */
  private async onConnection(
    values: unknown[],
    isFast: (connection: unknown) => boolean,
    ask: (connection: any) => Promise<unknown[][]>,
  ): Promise<unknown[][]> {
    const runner = this.source.createQueryRunner('master');
    const { logger } = this.source;
    try {
      const connection: unknown = await runner.connect();
      if (!isFast(connection)) return valuesOf(await runner.query(this.sql, values));
      logger.logQuery(this.sql, values, runner);
      return await ask(connection);
    } catch (error) {
      logger.logQueryError(error as Error, this.sql, values, runner);
      throw error;
    } finally {
      await runner.release();
    }
  }

  /** By callback: for a promise, the driver would assign a function to each query, which V8 keeps for long. */
  private askPostgres(client: any, values: unknown[]): Promise<unknown[][]> {
    const query = { name: this.prepared ? this.name : undefined, text: this.sql, values, rowMode: 'array' };
    return new Promise((resolve, reject) => {
      client.query(query, (error: Error | null, answer: { rows: unknown[][] }) =>
        error ? reject(error) : resolve(answer.rows),
      );
    });
  }

  private async askMysql(connection: any, values: unknown[]): Promise<unknown[][]> {
    const query = { sql: this.sql, rowsAsArray: true };
    return (await connection.promise()[this.prepared ? 'execute' : 'query'](query, values))[0];
  }
}

function valuesOf(rows: object[]): unknown[][] {
  return rows.map(Object.values);
}
