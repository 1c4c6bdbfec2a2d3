import type { QueryRunner } from 'typeorm';
import type { Connections } from './connections';
import { isMysql2Connection, isPgClient } from './fast-connection';
import { isStatementMisplaced, type KeptStatements } from './kept-statements';

/** PostgreSQL: the plan no longer fits a table that was altered. */
const OUTDATED = '0A000';
/** Outdated once by each of two changes in a row, and then misplaced: more often only where something else is wrong. */
const MAX_ATTEMPTS = 4;

/** Whose statements have a way of their own here. */
const NETWORKED = new Set<string>(['postgres', 'mysql', 'mariadb']);

/** Of its own among all that share a connection, and within the 63 characters that PostgreSQL looks at. */
function newName(): string {
  return `jwt_knox_sessions:${globalThis.crypto.randomUUID()}`;
}

/** One sending of the statement. */
interface Question {
  readonly values: unknown[];
  readonly name: string | undefined;
  readonly runner: QueryRunner;
  readonly connection: unknown;
}

/**
 * One SELECT that is sent again and again: its SQL is built once, and where statements are kept the server parses and plans
 * it once for each connection. On the primary, with replication too.
 */
export class PreparedRead {
  private name = newName();

  constructor(
    private readonly connections: Connections,
    private readonly sql: string,
    private readonly kept: KeptStatements,
  ) {}

  /** The rows, each as the values of its columns: cheaper than objects, which drivers build member by member. */
  async rows(values: unknown[]): Promise<unknown[][]> {
    for (let attempt = 1; ; attempt++) {
      const name = this.kept.areOn ? this.name : undefined;
      try {
        return await this.send(values, name);
      } catch (error) {
        if (name === undefined || attempt === MAX_ATTEMPTS) throw error;
        if (isStatementMisplaced(error)) this.kept.stop(error);
        else if ((error as { code?: unknown }).code !== OUTDATED) throw error;
        // Prepared anew, and on every connection, for it gets another name.
        else if (this.name === name) this.name = newName();
      }
    }
  }

  /** @param name that of the prepared statement; unprepared when left out */
  private send(values: unknown[], name: string | undefined): Promise<unknown[][]> {
    const { ofHost, source } = this.connections;
    // In a transaction of the host's, the plain way. better-sqlite3 keeps prepared statements by itself, through TypeORM.
    if (ofHost) return ofHost.query(this.sql, values).then(valuesOf);
    if (!NETWORKED.has(source.options.type)) return source.query(this.sql, values).then(valuesOf);
    return this.connections.lendOwn((runner, connection) => this.ask({ values, name, runner, connection }));
  }

  /**
   * Past TypeORM's own `query`, which has no prepared statements and costs as much as the driver; into its log. The plain
   * way, by TypeORM, where another driver takes the place of the usual one.
   */
  private async ask({ values, name, runner, connection }: Question): Promise<unknown[][]> {
    const isPostgres = isPgClient(connection);
    if (!isPostgres && !isMysql2Connection(connection)) return valuesOf(await runner.query(this.sql, values));
    const { logger } = this.connections.source;
    logger.logQuery(this.sql, values, runner);
    try {
      return await (isPostgres ? this.askPostgres(connection, values, name) : this.askMysql(connection, values, name));
    } catch (error) {
      logger.logQueryError(error as Error, this.sql, values, runner);
      throw error;
    }
  }

  /** By callback: for a promise, the driver would assign a function to each query, which V8 keeps for long. */
  private askPostgres(client: any, values: unknown[], name: string | undefined): Promise<unknown[][]> {
    const query = { name, text: this.sql, values, rowMode: 'array' };
    return new Promise((resolve, reject) => {
      client.query(query, (error: Error | null, answer: { rows: unknown[][] }) =>
        error ? reject(error) : resolve(answer.rows),
      );
    });
  }

  private async askMysql(connection: any, values: unknown[], name: string | undefined): Promise<unknown[][]> {
    const query = { sql: this.sql, rowsAsArray: true };
    return (await connection.promise()[name === undefined ? 'query' : 'execute'](query, values))[0];
  }
}

function valuesOf(rows: object[]): unknown[][] {
  return rows.map(Object.values);
}
