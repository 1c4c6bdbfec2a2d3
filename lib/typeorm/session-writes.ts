import {
  type EntityManager,
  In,
  IsNull,
  LessThan,
  LessThanOrEqual,
  MoreThan,
  Not,
  Or,
  type QueryRunner,
  type Repository,
} from 'typeorm';
import type { SessionKind, SessionRecord } from '../contracts/session';
import type { DeleteConditions, KeyBinding } from '../contracts/session.repository';
import type { Connections } from './connections';
import { writeFitting } from './fitting-text';
import { purgeBatch } from './purge-batch';
import { claiming, retrying, retryingOn } from './retrying';
import type { JwtKnoxSessionBase } from './session.entity';
import type { Where } from './session-row';
import type { UserIdColumn } from './user-id-column';

/** Changes and deletes sessions by statements that TypeORM builds; those of a user or of all, in one realm. */
export class SessionWrites {
  constructor(
    private readonly rows: Repository<JwtKnoxSessionBase>,
    private readonly connections: Connections,
    private readonly realm: string,
    private readonly userIds: UserIdColumn,
  ) {}

  async update(where: Where, change: Partial<SessionRecord>): Promise<number> {
    const statement = (manager: EntityManager) => manager.update(this.rows.target, where, change as object);
    return retryingOn(this.connections, async () => (await this.connections.manage(statement)).affected ?? 0);
  }

  /** The same, where the database may refuse the change. */
  async updateClaiming(where: Where, change: Partial<SessionRecord>): Promise<number> {
    const statement = (manager: EntityManager) => manager.update(this.rows.target, where, change as object);
    return (await claiming(this.connections, statement)).affected ?? 0;
  }

  async delete(where: Where, timeout?: number): Promise<number> {
    const statement = (manager: EntityManager) => manager.delete(this.rows.target, where);
    return retryingOn(this.connections, async () => (await this.connections.manage(statement, timeout)).affected ?? 0);
  }

  bindKey(id: string, refreshDigest: string, { at, ...binding }: KeyBinding): Promise<number> {
    const where = { id, refreshDigest, boundKind: IsNull(), expiresAt: MoreThan(at) };
    return writeFitting({ ...binding, rotatedAt: at, lastUsedAt: at }, (change) => this.updateClaiming(where, change));
  }

  acceptProof(id: string, { madeAt, at }: { madeAt: number; at: number }): Promise<number> {
    const isLater = Or(IsNull(), LessThan(madeAt));
    const where = { id, boundKind: Not(IsNull()), boundProofAt: isLater, expiresAt: MoreThan(at) };
    return this.update(where, { boundProofAt: madeAt });
  }

  noteRefusal(id: string, { at, since }: { at: number; since: number }): Promise<number> {
    const isEarlier = Or(IsNull(), LessThanOrEqual(since));
    const where = { id, boundKind: Not(IsNull()), boundRefusedAt: isEarlier, expiresAt: MoreThan(at) };
    return this.update(where, { boundRefusedAt: at });
  }

  forgetRefusal(id: string, userId: string, until: number): Promise<number> {
    const where = { id, realm: this.realm, userId, boundRefusedAt: LessThanOrEqual(until) };
    return this.userIds.ofUser(userId, 0, () => this.update(where, { boundRefusedAt: null }));
  }

  rename(id: string, userId: string, deviceName: string | null): Promise<number> {
    const { realm } = this;
    const rename = () => writeFitting({ deviceName }, (change) => this.updateClaiming({ id, realm, userId }, change));
    return this.userIds.ofUser(userId, 0, rename);
  }

  deleteOne(id: string, { userId, generation, kinds }: DeleteConditions): Promise<number> {
    const where: Where = { id, realm: this.realm };
    if (userId !== undefined) where.userId = userId;
    if (generation !== undefined) where.generation = generation;
    if (kinds !== undefined) where.kind = In(kinds);
    const end = () => this.delete(where);
    return userId === undefined ? end() : this.userIds.ofUser(userId, 0, end);
  }

  deleteOfUser(userId: string, exceptId?: string, kinds?: readonly SessionKind[]): Promise<number> {
    const where: Where = { realm: this.realm, userId };
    if (exceptId !== undefined) where.id = Not(exceptId);
    if (kinds !== undefined) where.kind = In(kinds);
    return this.userIds.ofUser(userId, 0, () => this.delete(where));
  }

  async deleteSurplus(userId: string, ids: readonly string[], limit: number, timeout?: number): Promise<number> {
    if (ids.length === 0) return 0;
    const { realm } = this;
    const loose = [IsNull(), MoreThan(limit)].map((slot) => ({ realm, userId, id: In(ids), slot }));
    const statement = (runner: QueryRunner) =>
      this.rows.createQueryBuilder().setQueryRunner(runner).delete().where(loose).execute();
    return retryingOn(this.connections, async () => (await this.connections.lend(statement, timeout)).affected ?? 0);
  }

  deleteCreatedBefore(moment: number, timeout?: number): Promise<number> {
    return this.delete({ realm: this.realm, createdAt: LessThan(moment) }, timeout);
  }

  deleteExpired(now: number, limit: number, timeout?: number): Promise<number> {
    const bounds = { realm: this.realm, now, limit };
    return retrying(() => this.connections.lend((runner) => purgeBatch(this.rows, runner, bounds), timeout));
  }
}
