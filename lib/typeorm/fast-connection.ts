/**
 * Whether a connection is a client of `pg` (with `pg-native` too) or one that was made from it: those take a query as an
 * object, and call back. What other packages put in its place (PGlite, pg-mem) has not more than what TypeORM itself calls.
 */
export function isPgClient(connection: any): boolean {
  return typeof connection?.getTypeParser === 'function' && typeof connection.setTypeParser === 'function';
}

/** Whether a connection is of `mysql2`, and not of `mysql`, which has neither promises nor prepared statements. */
export function isMysql2Connection(connection: any): boolean {
  return typeof connection?.promise === 'function' && typeof connection.execute === 'function';
}
