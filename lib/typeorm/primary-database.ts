import type { PrimaryDatabase } from '../contracts/primary-database';
import type { Connections } from './connections';
import { isPgClient } from './fast-connection';

/** @param tablePath with its schema, unquoted */
export function primaryDatabaseOf(connections: Connections, tablePath: string): PrimaryDatabase {
  const { driver, options } = connections.source;
  const pool = (driver as { master?: any }).master;
  const table = tablePath
    .split('.')
    .map((part) => driver.escape(part))
    .join('.');
  return {
    type: options.type,
    table,
    hasReplicas: 'replication' in options && options.replication !== undefined,
    query: (sql, parameters = []) => connections.lendOwn((runner) => runner.query(sql, [...parameters])),
    newClient: (given) => {
      if (typeof pool?.Client !== 'function') return null;
      // A pool hides its password from those who list its options.
      const client: unknown = new pool.Client({ ...pool.options, password: pool.options.password, ...given });
      return isPgClient(client) ? client : null;
    },
  };
}
