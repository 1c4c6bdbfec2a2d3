import type { DataSource, QueryRunner } from 'typeorm';

/** Before SELECT (1), UPDATE and DELETE (2), INSERT and REPLACE (4): MariaDB's documentation of the variable. */
const WAIT = 'SET SESSION wsrep_sync_wait = 7';

/**
 * A Galera cluster acknowledges a write when all nodes have it, and before all of them show it: on another node, a session
 * that ended would be read for a moment, and a new one would not be. Connections that ask for it wait for what was
 * acknowledged anywhere before. Other servers are asked once whether they are of a cluster.
 */
export class CausalReads {
  private static readonly ofSources = new WeakMap<DataSource, CausalReads>();
  private readonly settled = new WeakSet<object>();
  private isCluster: boolean | undefined;

  /** One for each data source; undefined where there is no Galera. */
  static of(source: DataSource): CausalReads | undefined {
    const { type } = source.options;
    if (type !== 'mariadb' && type !== 'mysql') return undefined;
    const known = this.ofSources.get(source) ?? new CausalReads();
    this.ofSources.set(source, known);
    return known;
  }

  isDueOn(connection: unknown): connection is object {
    if (this.isCluster === false || typeof connection !== 'object' || connection === null) return false;
    return !this.settled.has(connection);
  }

  async settle(runner: QueryRunner, connection: object): Promise<void> {
    this.isCluster ??= await isInCluster(runner);
    if (!this.isCluster) return;
    await runner.query(WAIT);
    this.settled.add(connection);
  }
}

async function isInCluster(runner: QueryRunner): Promise<boolean> {
  const [found] = (await runner.query("SHOW VARIABLES LIKE 'wsrep_on'")) as { Value: string }[];
  return found?.Value === 'ON';
}
