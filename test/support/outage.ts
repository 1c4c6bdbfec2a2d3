import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import type { TestDatabase } from './databases';

/** Does to a database server what outages do: by a connection of its own, beside the application's. */
export class Outage {
  private constructor(
    private readonly source: DataSource,
    private readonly runner: QueryRunner,
  ) {}

  static async prepare(database: TestDatabase): Promise<Outage> {
    const source = await new DataSource({ ...database.direct } as DataSourceOptions).initialize();
    return new Outage(source, source.createQueryRunner());
  }

  private get isPostgres(): boolean {
    return this.source.options.type === 'postgres';
  }

  /** Freezes a table: every statement on it waits until {@link thaw}. */
  async freeze(table: string): Promise<void> {
    if (!this.isPostgres) return void (await this.runner.query(`LOCK TABLES ${table} WRITE`));
    await this.runner.query('BEGIN');
    await this.runner.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  }

  async thaw(): Promise<void> {
    await this.runner.query(this.isPostgres ? 'ROLLBACK' : 'UNLOCK TABLES');
  }

  /** The application's statements that wait for a frozen table. */
  async waiting(): Promise<number[]> {
    const rows: { id: unknown }[] = await this.source.query(
      this.isPostgres
        ? `SELECT pid AS id FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        : `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for table%'`,
    );
    return rows.map((row) => Number(row.id));
  }

  /** Cuts these connections of the application, or all; answers how many. */
  async cut(only?: number[]): Promise<number> {
    const ids = only ?? (await this.connections());
    for (const id of ids)
      await this.source.query(this.isPostgres ? `SELECT pg_terminate_backend(${id})` : `KILL ${id}`);
    return ids.length;
  }

  private async connections(): Promise<number[]> {
    const own = this.isPostgres ? 'pg_backend_pid()' : 'CONNECTION_ID()';
    const all = this.isPostgres
      ? `SELECT pid AS id FROM pg_stat_activity WHERE datname = current_database() AND pid <> ${own}`
      : `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> ${own}`;
    const [runner] = await this.runner.query(`SELECT ${own} AS id`);
    const rows: { id: unknown }[] = await this.source.query(all);
    return rows.map((row) => Number(row.id)).filter((id) => id !== Number(runner.id));
  }

  async query(sql: string): Promise<any> {
    return this.source.query(sql);
  }

  async end(): Promise<void> {
    await this.runner.release().catch(() => undefined);
    if (this.source.isInitialized) await this.source.destroy();
  }
}
