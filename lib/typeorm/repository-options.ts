/** How a `TypeOrmSessionRepository` reads, and which sessions are its own. */
export interface TypeOrmSessionRepositoryOptions {
  /** The relation of the entity to the host's user, where both are to be read at once. */
  userRelation?: string | undefined;
  /** Sends the look-ups as prepared statements. @default false */
  preparedStatements?: boolean | undefined;
  /** Only sessions of this realm are listed, counted, purged and ended. @default '' */
  realm?: string | undefined;
  /**
   * How long a statement may hold a connection, in ms; then the connection is closed. For operators' statements, the time
   * that they are given. A connection that is within a transaction of yours is never closed. @default no limit
   */
  timeout?: number | undefined;
}
