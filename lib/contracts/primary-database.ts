/**
 * The database that a storage is in: for what has to speak to the very same server, such as a revocation feed. Always its
 * primary.
 */
export interface PrimaryDatabase {
  /** As TypeORM names it, e.g. `postgres`. */
  readonly type: string;
  /** The table of the sessions, with its schema, quoted as SQL has it. */
  readonly table: string;
  /** Whether reads of the application may go to replicas, which are behind. */
  readonly hasReplicas: boolean;
  /** One statement on a connection of the pool. */
  query(sql: string, parameters?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /**
   * Makes a client of the pool's own driver that is not connected yet, with the pool's options and these beside them; null
   * where the driver has none that can listen.
   */
  newClient(options: Readonly<Record<string, unknown>>): unknown;
}
