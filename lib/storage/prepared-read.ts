import type { DataSource, QueryRunner } from 'typeorm';

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
    switch (this.source.options.type) {
      case 'postgres':
        return this.prepared ? this.renewing(() => this.onPostgres(values)) : this.onPostgres(values);
      case 'mysql':
      case 'mariadb':
        return this.onMysql(values);
      default:
        // better-sqlite3 keeps prepared statements by itself, through TypeORM.
        return this.source.query(this.sql, values);
    }
  }

  private onPostgres(values: unknown[]): Promise<any[]> {
    const name = this.prepared ? this.name : undefined;
    return this.onConnection(values, async (client) => (await client.query({ name, text: this.sql, values })).rows);
  }

  private onMysql(values: unknown[]): Promise<any[]> {
    const method = this.prepared ? 'execute' : 'query';
    return this.onConnection(values, async (client) => (await client.promise()[method](this.sql, values))[0]);
  }

  /** Prepares an outdated statement anew: on every connection, for it gets another name. */
  private async renewing(send: () => Promise<any[]>): Promise<any[]> {
    const { name } = this;
    try {
      return await send();
    } catch (error) {
      if (!OUTDATED.has((error as { code?: unknown }).code)) throw error;
      if (this.name === name) this.name = newName();
      return send();
    }
  }

  /** Past TypeORM's own `query`, which has no prepared statements and costs as much as the driver; into its log. */
  private async onConnection(values: unknown[], read: (client: any) => Promise<any[]>): Promise<any[]> {
    const runner: QueryRunner = this.source.createQueryRunner('master');
    const { logger } = this.source;
    try {
      const client: unknown = await runner.connect();
      logger.logQuery(this.sql, values, runner);
      return await read(client);
    } catch (error) {
      logger.logQueryError(error as Error, this.sql, values, runner);
      throw error;
    } finally {
      await runner.release();
    }
  }
}
