import type { Logger } from '@nestjs/common';
import type { StorageUnavailableError } from '../contracts/errors';
import { line, messageOf } from '../contracts/log-line';
import type { SessionRepository } from '../contracts/session.repository';
import { generateId } from '../tokens/token-key';
import { fromStorage, RequestDeadline } from './request-deadline';

/**
 * Reads once, and logs a failure: a missing table is told at start-up, rather than by a 503 at the first login. What the
 * storage then finds wrong with itself is logged too.
 */
export async function reportUnreadableSessions(
  repository: SessionRepository,
  timeout: number,
  logger: Logger,
): Promise<void> {
  const read = async () => {
    await fromStorage(() => repository.findById(generateId()));
    // What cannot be inspected, for want of rights for example, may be sound.
    return repository.inspect().catch(() => []);
  };
  const found = await new RequestDeadline(timeout).run(read).catch(({ cause }: StorageUnavailableError) => {
    logger.error(
      line(
        'sessions-unreadable',
        `The sessions cannot be read: ${messageOf(cause)}. If the table is missing, add ` +
          '`...jwtKnoxMigrations` (from nestjs-jwt-knox/migrations) to the migrations of the data source and run them; if the table is in another ' +
          'data source, name that one in typeOrm({ dataSource }).',
      ),
    );
    return [];
  });
  for (const problem of found) logger.error(line('storage-unfit', problem));
}
