import { In, LessThan, LessThanOrEqual, Not, type QueryRunner, type Repository } from 'typeorm';
import { InvalidCredentialsError } from '../contracts/errors';
import type { SessionRecord } from '../contracts/session';
import {
  type FoundSession,
  type Rotation,
  type SessionFigures,
  type SessionQuery,
  SessionRepository,
} from '../contracts/session.repository';
import { isForeignKeyViolation, isUniqueViolation } from '../contracts/storage-failure';
import { changeOf, insertion, rotation } from './built-statement';
import { canHoldUserId } from './columns';
import type { KnoxSessionBase } from './knox-session.entity';
import { onPrimary } from './on-primary';
import { PreparedRead } from './prepared-read';
import { retrying } from './retrying';
import { countSessions, noSessions } from './session-figures';
import { COLUMNS, type RawRecord, toRecord, type Where } from './session-row';

interface BuiltStatements {
  insertion: ReturnType<typeof insertion>;
  rotation: ReturnType<typeof rotation>;
}

export interface TypeOrmSessionRepositoryOptions {
  /** The relation of the entity to the host's user, where both are to be read at once. */
  userRelation?: string;
  /** The option `preparedStatements` of the module. @default false */
  preparedStatements?: boolean;
}

/** Sessions in a table, by TypeORM: SQLite, PostgreSQL, MariaDB, MySQL. Single statements only. */
export class TypeOrmSessionRepository extends SessionRepository {
  override readonly joinsUser: boolean;
  private readonly userRelation: string | undefined;
  private readonly preparedStatements: boolean;
  private readById: PreparedRead | undefined;
  private statements: BuiltStatements | undefined;

  constructor(
    private readonly rows: Repository<KnoxSessionBase>,
    { userRelation, preparedStatements = false }: TypeOrmSessionRepositoryOptions = {},
  ) {
    super();
    this.userRelation = userRelation;
    this.joinsUser = userRelation !== undefined;
    this.preparedStatements = preparedStatements;
  }

  findById(id: string): Promise<FoundSession | null> {
    return retrying(() => (this.userRelation === undefined ? this.findRow(id) : this.findWithUser(id)), 'read');
  }

  async findByUser(userId: string, query: SessionQuery = {}): Promise<SessionRecord[]> {
    if (!this.mayHold(userId)) return [];
    return retrying(
      () =>
        this.onPrimary(async (runner) => {
          const select = this.selectRecords().setQueryRunner(runner).where('session.userId = :userId', { userId });
          if (query.aliveAt !== undefined) select.andWhere('session.expiresAt > :aliveAt', { aliveAt: query.aliveAt });
          if (query.before) {
            const { createdAt, id } = query.before;
            const tie = id === undefined ? '' : ' OR (session.createdAt = :createdAt AND session.id < :id)';
            select.andWhere(
              `(session.createdAt < :createdAt${tie})`,
              id === undefined ? { createdAt } : { createdAt, id },
            );
          }
          select.orderBy('session.createdAt', 'DESC').addOrderBy('session.id', 'DESC').limit(query.limit);
          return (await select.getRawMany<RawRecord>()).map(toRecord);
        }),
      'read',
    );
  }

  async insert(record: SessionRecord): Promise<boolean> {
    return this.seating(record, async () => {
      const statement = this.built?.insertion;
      await (statement ? statement.run(record) : this.rows.insert({ ...record }));
      return true;
    });
  }

  async takeOver(id: string, replacement: SessionRecord, expiredBy?: number): Promise<boolean> {
    const where: Where = expiredBy === undefined ? { id } : { id, expiresAt: LessThanOrEqual(expiredBy) };
    return this.seating(replacement, async () => (await this.update(where, { ...replacement })) > 0);
  }

  async rotate(id: string, presentedDigest: string, next: Rotation): Promise<boolean> {
    const values = { ...next, id, presentedDigest };
    const statement = this.built?.rotation;
    if (statement) return (await retrying(() => statement.run(values))) === 1;
    const { where, change } = changeOf(values);
    return (await this.update(where, change)) === 1;
  }

  async touch(id: string, generation: number, lastUsedAt: number): Promise<void> {
    await this.update({ id, generation, lastUsedAt: LessThan(lastUsedAt) }, { lastUsedAt });
  }

  async reauthenticate(id: string, authenticatedAt: number): Promise<boolean> {
    return (await this.update({ id, authenticatedAt: LessThan(authenticatedAt) }, { authenticatedAt })) > 0;
  }

  async deleteById(id: string, only: { userId?: string; generation?: number } = {}): Promise<boolean> {
    const where: Where = { id };
    if (only.userId !== undefined) where.userId = only.userId;
    if (only.generation !== undefined) where.generation = only.generation;
    return (await this.delete(where)) > 0;
  }

  async deleteByUser(userId: string, exceptId?: string): Promise<number> {
    if (!this.mayHold(userId)) return 0;
    return this.delete(exceptId === undefined ? { userId } : { userId, id: Not(exceptId) });
  }

  async deleteCreatedBefore(moment: number): Promise<number> {
    return this.delete({ createdAt: LessThan(moment) });
  }

  async deleteExpired(now: number, limit: number): Promise<number> {
    return retrying(() =>
      this.onPrimary(async (runner) => {
        const locking = skipsLocked(runner);
        if (locking) await runner.startTransaction();
        try {
          const count = await this.deleteBatch(runner, now, limit, locking);
          if (locking) await runner.commitTransaction();
          return count;
        } catch (error) {
          if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
          throw error;
        }
      }),
    );
  }

  async figures(now: number, userId?: string): Promise<SessionFigures> {
    if (userId !== undefined && !this.mayHold(userId)) return noSessions();
    const select = (runner: QueryRunner) => this.rows.createQueryBuilder('session').setQueryRunner(runner).select([]);
    return retrying(() => this.onPrimary((runner) => countSessions(() => select(runner), now, userId)), 'read');
  }

  /** Passes over rows that another purger has locked, where the database can. */
  private async deleteBatch(runner: QueryRunner, now: number, limit: number, locking: boolean): Promise<number> {
    const select = this.rows.createQueryBuilder('session').setQueryRunner(runner).select('session.id', 'id');
    select.where('session.expiresAt <= :now', { now }).limit(limit);
    if (locking) select.setLock('pessimistic_write').setOnLocked('skip_locked');
    const ids = (await select.getRawMany<{ id: string }>()).map((row) => row.id);
    if (ids.length === 0) return 0;
    // The condition again, for databases without row locks: a session overwritten in between lives.
    const where = { id: In(ids), expiresAt: LessThanOrEqual(now) };
    return (await runner.manager.delete(this.rows.target, where)).affected ?? 0;
  }

  private findRow(id: string): Promise<FoundSession | null> {
    this.readById ??= this.prepareById();
    return this.readById.rows([id]).then(foundIn);
  }

  /** Building SQL costs more than running it. */
  private prepareById(): PreparedRead {
    const { connection } = this.rows.manager;
    const [sql] = this.selectRecords().where('session.id = :id', { id: '' }).getQueryAndParameters();
    return new PreparedRead(connection, sql, this.preparedStatements);
  }

  private async findWithUser(id: string): Promise<FoundSession | null> {
    const relation = this.userRelation!;
    const row = await this.onPrimary((runner) =>
      this.rows
        .createQueryBuilder('session')
        .setQueryRunner(runner)
        .leftJoinAndSelect(`session.${relation}`, 'user')
        .where('session.id = :id', { id })
        .getOne(),
    );
    if (!row) return null;
    return { record: toRecord(row), user: (row as unknown as Record<string, unknown>)[relation] ?? null };
  }

  /**
   * Unless a transaction of the host is under way, which the write belongs to, or its subscribers are to be told: TypeORM
   * tells them as it builds.
   */
  private get built(): BuiltStatements | undefined {
    const { connection, queryRunner } = this.rows.manager;
    if (queryRunner || connection.subscribers.length > 0) return undefined;
    return (this.statements ??= { insertion: insertion(this.rows), rotation: rotation(this.rows) });
  }

  private mayHold(userId: string): boolean {
    const { type } = this.rows.manager.connection.options;
    return canHoldUserId(type, this.rows.metadata.findColumnWithPropertyName('userId')?.type, userId);
  }

  private selectRecords() {
    const select = this.rows.createQueryBuilder('session').select([]);
    for (const column of COLUMNS) select.addSelect(`session.${column}`, column);
    return select;
  }

  private onPrimary<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return onPrimary(this.rows.manager.connection, work);
  }

  private async update(where: Where, change: Partial<SessionRecord>): Promise<number> {
    return retrying(async () => (await this.rows.update(where, change)).affected ?? 0);
  }

  private async delete(where: Where): Promise<number> {
    return retrying(async () => (await this.rows.delete(where)).affected ?? 0);
  }

  /** Runs a write that claims a slot: a taken slot is an answer, not an error. */
  private async seating(record: SessionRecord, write: () => Promise<boolean>): Promise<boolean> {
    try {
      return await retrying(write);
    } catch (error) {
      if (record.slot !== null && isUniqueViolation(error)) return false;
      // With a foreign key to the host's users: the user was deleted while the login was under way.
      if (isForeignKeyViolation(error)) throw new InvalidCredentialsError();
      throw error;
    }
  }
}

/** SKIP LOCKED: PostgreSQL, MySQL 8, MariaDB 10.6. SQLite has one writer and shares one connection: no transaction. */
function skipsLocked(runner: QueryRunner): boolean {
  const { driver } = runner.connection;
  const type = driver.options.type;
  if (type === 'postgres') return true;
  if (type !== 'mysql' && type !== 'mariadb') return false;
  const [major = 0, minor = 0] = String(driver.version ?? '')
    .split('.')
    .map(Number);
  return major > 10 || (major === 10 && minor >= 6) || major === 8 || major === 9;
}

function foundIn([row]: RawRecord[]): FoundSession | null {
  return row ? { record: toRecord(row) } : null;
}
