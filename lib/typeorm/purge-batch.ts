import { In, LessThanOrEqual, type QueryRunner, type Repository } from 'typeorm';
import { isPgClient } from './fast-connection';
import type { JwtKnoxSessionBase } from './session.entity';

type Rows = Repository<JwtKnoxSessionBase>;

/** Rows of this realm that have expired by this moment, at most so many. */
interface Batch {
  realm: string;
  now: number;
  limit: number;
}

/** Deletes a batch of expired rows, passing over those that another purger has locked, where the database can. */
export async function purgeBatch(rows: Rows, runner: QueryRunner, batch: Batch): Promise<number> {
  const locking = await skipsLocked(runner);
  if (locking) await runner.startTransaction();
  try {
    const count = await deleteBatch(rows, runner, { ...batch, locking });
    if (locking) await runner.commitTransaction();
    return count;
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
}

async function deleteBatch(
  rows: Rows,
  runner: QueryRunner,
  { realm, now, limit, locking }: Batch & { locking: boolean },
): Promise<number> {
  const select = rows.createQueryBuilder('session').setQueryRunner(runner).select('session.id', 'id');
  select.where('session.expiresAt <= :now AND session.realm = :realm', { now, realm }).limit(limit).cache(false);
  if (locking) select.setLock('pessimistic_write').setOnLocked('skip_locked');
  const ids = (await select.getRawMany<{ id: string }>()).map((row) => row.id);
  if (ids.length === 0) return 0;
  // The condition again, for databases without row locks: a session that was reinstated in between lives.
  const where = { id: In(ids), expiresAt: LessThanOrEqual(now) };
  return (await runner.manager.delete(rows.target, where)).affected ?? 0;
}

/**
 * SKIP LOCKED: PostgreSQL, MySQL 8, MariaDB 10.6. SQLite and PGlite have one connection, which all share: a transaction
 * would take in what others write meanwhile.
 */
async function skipsLocked(runner: QueryRunner): Promise<boolean> {
  const { driver } = runner.connection;
  const type = driver.options.type;
  if (type === 'postgres') return isPgClient(await runner.connect());
  if (type !== 'mysql' && type !== 'mariadb') return false;
  const [major = 0, minor = 0] = String(driver.version ?? '')
    .split('.')
    .map(Number);
  return major > 10 || (major === 10 && minor >= 6) || major === 8 || major === 9;
}
