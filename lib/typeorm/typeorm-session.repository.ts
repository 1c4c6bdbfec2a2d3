import { Between, type EntityManager, IsNull, LessThan, MoreThan, type Repository } from 'typeorm';
import type { SessionKind, SessionRecord } from '../contracts/session';
import {
  type AccessKeyChange,
  type DeleteConditions,
  type FoundSession,
  type KeyBinding,
  type KeyRenewal,
  type SlotQuery,
  type Rotation,
  type SessionCounts,
  type SessionQuery,
  SessionRepository,
  type StorageTransaction,
} from '../contracts/session.repository';
import { changeOf, type CompiledStatements, compiledStatements } from './compiled-statement';
import { Connections } from './connections';
import { isDatabaseUnavailable } from './driver-errors';
import { FenceStatements } from './fence-statements';
import { writeFitting } from './fitting-text';
import { columnProblems, insertFailure } from './host-columns';
import { hasHostSubscribers, transactionOf } from './host-transaction';
import { insertSession } from './insert-session';
import type { JwtKnoxSessionBase } from './session.entity';
import type { TypeOrmSessionRepositoryOptions } from './repository-options';
import { claiming, retrying, retryingOn, unlessTaken } from './retrying';
import { primaryDatabaseOf } from './primary-database';
import { RealmReads } from './realm-reads';
import { setupProblems } from './setup-problems';
import { SessionLookUp } from './session-look-up';
import { readCrowded, readSlots, softlyDeleted } from './session-slots';
import { KeptStatements } from './kept-statements';
import { readPage } from './session-page';
import { SessionWrites } from './session-writes';
import { textProblems } from './text-check';
import { UserIdColumn } from './user-id-column';

/**
 * Sessions in a table, by TypeORM: SQLite, PostgreSQL, MariaDB, MySQL. Single statements only.
 * @example
 * new TypeOrmSessionRepository(dataSource.getRepository(JwtKnoxSession));
 */
export class TypeOrmSessionRepository extends SessionRepository {
  override readonly joinsUser: boolean;
  override readonly realm: string;
  private readonly userRelation: string | undefined;
  private readonly timeout: number | undefined;
  private readonly connections: Connections;
  private readonly kept: KeptStatements;
  private readonly lookUp: SessionLookUp;
  private statements: CompiledStatements | undefined;
  private fences: FenceStatements | undefined;
  private realmReads: RealmReads | undefined;
  private sessionWrites: SessionWrites | undefined;
  private userIdColumn: UserIdColumn | undefined;

  constructor(
    private readonly rows: Repository<JwtKnoxSessionBase>,
    { userRelation, preparedStatements = false, realm = '', timeout }: TypeOrmSessionRepositoryOptions = {},
  ) {
    super();
    this.joinsUser = userRelation !== undefined;
    this.kept = new KeptStatements(preparedStatements);
    this.timeout = timeout;
    this.connections = new Connections(rows.manager, timeout);
    this.lookUp = new SessionLookUp(rows, this.connections, { userRelation, kept: this.kept });
    this.realm = realm;
    this.userRelation = userRelation;
  }

  override setupProblems({ readOnly }: { readOnly: boolean }): readonly string[] {
    return setupProblems(this.rows, { readOnly, userRelation: this.userRelation });
  }

  override async spellingOf(userId: string): Promise<string> {
    const { userIds } = this;
    const kept = userIds.comparesLoosely ? await this.reads.spellingOf(userId) : undefined;
    return kept ?? userIds.spellingOf(userId);
  }

  override location(): readonly unknown[] {
    const { connection } = this.rows.manager;
    return [connection, this.rows.metadata.tablePath];
  }

  override primaryDatabase() {
    return primaryDatabaseOf(this.connections, this.rows.metadata.tablePath);
  }

  override inspect(): Promise<readonly string[]> {
    return this.connections.lend((runner) => textProblems(this.rows, runner));
  }

  override isUnavailable(error: unknown): boolean {
    return isDatabaseUnavailable(error);
  }

  override columnProblems(columns: object): readonly string[] {
    return columnProblems(this.rows, columns);
  }

  override within(given: object): StorageTransaction | null {
    const { userRelation, realm, timeout } = this;
    const open = (rows: Repository<JwtKnoxSessionBase>) =>
      new TypeOrmSessionRepository(rows, { userRelation, realm, timeout });
    return transactionOf(given, this.rows, open);
  }

  findById(id: string): Promise<FoundSession | null> {
    return retryingOn(this.connections, () => this.lookUp.find(id), 'read');
  }

  override findByIds(ids: readonly string[], timeout?: number): Promise<SessionRecord[]> {
    return this.reads.ofIds(ids, timeout);
  }

  async findByUser(userId: string, query: SessionQuery = {}, timeout?: number): Promise<SessionRecord[]> {
    return this.reads.ofUser(userId, (select) => readPage(select, query), timeout);
  }

  async findSlots(userId: string, query: SlotQuery, timeout?: number): Promise<SessionRecord[]> {
    const gone = softlyDeleted(this.rows.metadata, this.realm, userId);
    if (gone) await this.userIds.ofUser(userId, 0, () => this.writes.update(gone, { slot: null }));
    return this.reads.ofUser(userId, (select) => readSlots(select, query), timeout);
  }

  async insert(record: SessionRecord, columns: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    const hasHostColumns = Object.keys(columns).length > 0;
    const statement = hasHostColumns ? undefined : this.built?.insertion;
    return insertSession(record, this.userIds, {
      hasHostColumns,
      insert: (values) => {
        const insert = (manager: EntityManager): Promise<unknown> =>
          manager.insert(this.rows.target, { ...values, ...columns } as object);
        return claiming(
          this.connections,
          insert,
          statement ? () => statement.run(values, this.connections) : undefined,
        );
      },
      failure: (error) => insertFailure(error, this.rows, columns),
      userIdOf: async (id) => (await this.findById(id))?.record.userId,
      otherUserId: () => this.reads.spellingOf(record.userId, record.id),
      delete: (id) => this.writes.delete({ id }),
    });
  }

  async vacate(id: string, slot: number | null, expiredBy?: number): Promise<boolean> {
    const expiresAt = expiredBy === undefined ? MoreThan(0) : Between(1, expiredBy);
    return (await this.writes.update({ id, slot: slot ?? IsNull(), expiresAt }, { slot: null, expiresAt: 0 })) > 0;
  }

  reinstate(id: string, slot: number | null, expiresAt: number): Promise<boolean> {
    const where = { id, slot: IsNull(), expiresAt: 0 };
    return unlessTaken(async () => (await this.writes.updateClaiming(where, { slot, expiresAt })) > 0);
  }

  async rotate(id: string, presentedDigest: string, next: Rotation): Promise<boolean> {
    const statement = next.accessDigest === undefined ? this.built?.rotation : this.built?.rotationOfBoth;
    const count = await writeFitting(next, (fitting) => {
      const values = { ...fitting, id, presentedDigest };
      const { where, change } = changeOf(values);
      return statement
        ? retrying(() => statement.run(values, this.connections))
        : this.writes.updateClaiming(where, change);
    });
    return count === 1;
  }

  async prolong(id: string, refreshDigest: string, { expiresAt, at }: { expiresAt: number; at: number }) {
    const where = { id, refreshDigest, expiresAt: MoreThan(at) };
    return (await this.writes.update(where, { expiresAt, lastUsedAt: at })) > 0;
  }

  async touch(id: string, generation: number, lastUsedAt: number): Promise<void> {
    await this.writes.update({ id, generation, lastUsedAt: LessThan(lastUsedAt) }, { lastUsedAt });
  }

  async moveAccessKey(id: string, { replaces, ...change }: AccessKeyChange): Promise<boolean> {
    const where = { id, accessDigest: replaces, expiresAt: MoreThan(change.accessKeyAt) };
    return (await this.writes.update(where, change)) > 0;
  }

  async renewKeys(id: string, { at, ...change }: KeyRenewal): Promise<boolean> {
    const where = { id, generation: change.generation - 1, expiresAt: MoreThan(at) };
    const gone = { previousRefreshDigest: null, refreshSalt: null, rotationKeyDigest: null, rotatedAt: null };
    return (await this.writes.update(where, { ...change, ...gone, lastUsedAt: at })) > 0;
  }

  async bindKey(id: string, presentedDigest: string, binding: KeyBinding): Promise<boolean> {
    return (await this.writes.bindKey(id, presentedDigest, binding)) > 0;
  }

  async acceptProof(id: string, proof: { madeAt: number; at: number }): Promise<boolean> {
    return (await this.writes.acceptProof(id, proof)) > 0;
  }

  async noteRefusal(id: string, refusal: { at: number; since: number }): Promise<boolean> {
    return (await this.writes.noteRefusal(id, refusal)) > 0;
  }

  async forgetRefusal(id: string, userId: string, until: number): Promise<boolean> {
    return (await this.writes.forgetRefusal(id, userId, until)) > 0;
  }

  async rename(id: string, userId: string, deviceName: string | null): Promise<boolean> {
    return (await this.writes.rename(id, userId, deviceName)) > 0;
  }

  async narrow(id: string, from: string | null, to: string): Promise<boolean> {
    return (await this.writes.update({ id, scopes: from ?? IsNull() }, { scopes: to })) > 0;
  }

  async deleteById(id: string, only: DeleteConditions = {}): Promise<boolean> {
    return (await this.writes.deleteOne(id, only)) > 0;
  }

  deleteByUser(userId: string, exceptId?: string, kinds?: readonly SessionKind[]): Promise<number> {
    return this.writes.deleteOfUser(userId, exceptId, kinds);
  }

  deleteSurplus(userId: string, ids: readonly string[], limit: number, timeout?: number): Promise<number> {
    return this.writes.deleteSurplus(userId, ids, limit, timeout);
  }

  async findCrowded(limit: number, aliveAt: number, most: number, timeout?: number): Promise<string[]> {
    const found = await this.reads.all((select) => readCrowded(select, limit, aliveAt, most), timeout);
    return found.map((userId) => this.userIds.read(userId));
  }

  deleteCreatedBefore(moment: number, timeout?: number): Promise<number> {
    return this.writes.deleteCreatedBefore(moment, timeout);
  }

  deleteExpired(now: number, limit: number, timeout?: number): Promise<number> {
    return this.writes.deleteExpired(now, limit, timeout);
  }

  statistics(now: number, userId?: string, timeout?: number): Promise<SessionCounts> {
    return this.reads.statistics(now, userId, timeout);
  }

  readCounter(): Promise<number> {
    return this.fenceStatements.readCounter();
  }

  raiseFence(scope: string, timeout?: number): Promise<void> {
    return this.fenceStatements.raise(scope, timeout);
  }

  isFenced(scopes: readonly string[], counter: number): Promise<boolean> {
    return this.fenceStatements.isFenced(scopes, counter);
  }

  private get fenceStatements(): FenceStatements {
    return (this.fences ??= new FenceStatements(this.connections, this.kept));
  }

  private get reads(): RealmReads {
    return (this.realmReads ??= new RealmReads(this.rows, this.connections, this.realm, this.userIds));
  }

  private get writes(): SessionWrites {
    return (this.sessionWrites ??= new SessionWrites(this.rows, this.connections, this.realm, this.userIds));
  }

  private get userIds(): UserIdColumn {
    return (this.userIdColumn ??= new UserIdColumn(this.rows));
  }

  /**
   * Unless a transaction of the host is under way, which the write belongs to, or its subscribers are to be told: TypeORM
   * tells them as it builds.
   */
  private get built(): CompiledStatements | undefined {
    const { connection, queryRunner } = this.rows.manager;
    if (queryRunner || hasHostSubscribers(connection)) return undefined;
    return (this.statements ??= compiledStatements(this.rows));
  }
}
