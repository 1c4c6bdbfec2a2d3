import {
  ChildEntity,
  Column,
  DataSource,
  Entity,
  type EntitySubscriberInterface,
  Generated,
  TableInheritance,
  VersionColumn,
} from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { type SessionRecord, sessionRecord } from '../../lib';
import { JwtKnoxFence, JwtKnoxSessionBase } from '../../lib/typeorm';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { createDatabase, databaseKinds, type TestDatabase } from '../support/databases';

/** A host's own entity, with columns that TypeORM fills. */
@Entity({ name: 'host_sessions' })
class HostSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
  @Column({ type: 'uuid' }) @Generated('uuid') ticket!: string;
  @VersionColumn({ type: 'int' }) version!: number;
}

@Entity({ name: 'noted_sessions' })
class NotedSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
  /** Looks like a place for a value. */
  @Column({ type: 'varchar', length: 40, default: '12:id' }) note!: string;
}

@Entity({ name: 'all_sessions' })
@TableInheritance({ column: { type: 'varchar', length: 16, name: 'client' } })
class AnySession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
}

@ChildEntity('web')
class WebSession extends AnySession {}

@ChildEntity('desk')
class DeskSession extends AnySession {}

class Audit implements EntitySubscriberInterface<HostSession> {
  readonly told: string[] = [];

  listenTo() {
    return HostSession;
  }
  beforeInsert({ entity }: { entity: HostSession }): void {
    this.told.push(`insert ${entity.id}`);
  }
  beforeUpdate(): void {
    this.told.push('update');
  }
}

const recordOf = (id: string): SessionRecord =>
  sessionRecord({
    id, userId: 'alice', accessDigest: 'a'.repeat(64), refreshDigest: 'b'.repeat(64), createdAt: 1, authenticatedAt: 1,
    expiresAt: 1_000, lastUsedAt: 1, userAgent: 'curl',
  }); // prettier-ignore
const ROTATION = {
  refreshDigest: 'c'.repeat(64), previousRefreshDigest: 'b'.repeat(64), refreshSalt: 'd'.repeat(64), generation: 1, at: 5, expiresAt: 1_005,
  rotationKeyDigest: null, lastUserAgent: 'curl', lastIpAddress: null,
}; // prettier-ignore
const IDS = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;

describe.each(databaseKinds)("a host's session entity on %s", (kind) => {
  let database: TestDatabase;
  let source: DataSource;
  let repository: TypeOrmSessionRepository;

  const open = async (entity: new () => JwtKnoxSessionBase, others: Function[] = []) => {
    database = await createDatabase(kind);
    // PostgreSQL has gen_random_uuid() itself.
    const uuids = kind === 'postgres' ? { uuidExtension: 'pgcrypto', installExtensions: false } : {};
    const options = { ...database.options, ...uuids, entities: [entity, ...others, JwtKnoxFence], synchronize: true };
    source = await new DataSource(options as DataSource['options']).initialize();
    repository = new TypeOrmSessionRepository(source.getRepository<JwtKnoxSessionBase>(entity));
  };
  afterEach(async () => {
    await source.destroy();
    await database.drop();
  });

  it('gets from TypeORM what TypeORM fills, in each row anew', async () => {
    await open(HostSession);
    for (const id of IDS) await repository.insert(recordOf(id));
    expect(await repository.rotate(IDS[0], 'b'.repeat(64), ROTATION)).toBe(true);
    const rows = await source.getRepository(HostSession).find({ order: { id: 'ASC' } });
    expect(rows.map(({ version }) => version)).toEqual([2, 1]);
    expect(rows.map(({ ticket }) => ticket)).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.any(String)]);
    expect(rows[0]!.ticket).not.toBe(rows[1]!.ticket);
  });

  it('keeps the defaults of its columns', async () => {
    await open(NotedSession);
    for (const id of IDS) await repository.insert(recordOf(id));
    expect((await source.getRepository(NotedSession).find()).map(({ note }) => note)).toEqual(['12:id', '12:id']);
  });

  it('finds no session of another entity in its table, prepared or not', async () => {
    await open(WebSession, [AnySession, DeskSession]);
    await repository.insert(recordOf(IDS[0]));
    for (const preparedStatements of [false, true]) {
      const of = (entity: new () => JwtKnoxSessionBase) =>
        new TypeOrmSessionRepository(source.getRepository(entity), { preparedStatements });
      expect(await of(DeskSession).findById(IDS[0])).toBeNull();
      expect((await of(WebSession).findById(IDS[0]))?.record.id).toBe(IDS[0]);
      expect((await of(AnySession).findById(IDS[0]))?.record.id).toBe(IDS[0]);
    }
  });

  it("belongs to the host's transaction", async () => {
    await open(HostSession);
    const gone = source.transaction(async (manager) => {
      const within = new TypeOrmSessionRepository(manager.getRepository(HostSession));
      await within.insert(recordOf(IDS[0]));
      expect(await within.rotate(IDS[0], 'b'.repeat(64), ROTATION)).toBe(true);
      throw new Error('rolled back');
    });
    await expect(gone).rejects.toThrow('rolled back');
    expect(await repository.findById(IDS[0])).toBeNull();
  });

  it('tells subscribers of each write, those too that come late', async () => {
    await open(HostSession);
    await repository.insert(recordOf(IDS[0]));
    const audit = new Audit();
    source.subscribers.push(audit);
    await repository.insert(recordOf(IDS[1]));
    expect(await repository.rotate(IDS[1], 'b'.repeat(64), ROTATION)).toBe(true);
    expect(await repository.rotate(IDS[1], 'b'.repeat(64), ROTATION)).toBe(false);
    expect(audit.told).toEqual([`insert ${IDS[1]}`, 'update', 'update']);
  });
});
