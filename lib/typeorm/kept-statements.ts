import { Logger } from '@nestjs/common';
import { line } from '../contracts/log-line';

/**
 * PostgreSQL: the connection knows no prepared statement of this name, or has one already. Names are random and each
 * connection prepares them itself: something in between handed it to another client.
 */
const MISPLACED = new Set<unknown>(['26000', '42P05']);

export function isStatementMisplaced(error: unknown): boolean {
  return MISPLACED.has((error as { code?: unknown }).code);
}

/** Whether the connections of a pool keep prepared statements; not any more once one of them did not. */
export class KeptStatements {
  private readonly logger = new Logger('TypeOrmSessionRepository');

  constructor(public areOn: boolean) {}

  /** For good: whatever is in between stays there, and each attempt would leave a statement behind on its connections. */
  stop(error: unknown): void {
    if (!this.areOn) return;
    this.areOn = false;
    this.logger.warn(
      line(
        'statements-unprepared',
        `typeOrm(): preparedStatements: ${(error as Error).message}, as behind a pooler in transaction mode. Statements are ` +
          'sent unprepared from now on; let the pooler keep them (PgBouncer: max_prepared_statements), or set ' +
          'preparedStatements: false.',
      ),
    );
  }
}
