import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { type SessionRecord, TEXT_LIMITS } from '../contracts/session';
import { epochMs } from './columns';

export const SESSION_TABLE = 'jwt_knox_sessions';

// Every name is written out, so that a host's naming strategy does not part the entity from the migration.
const PRIMARY_KEY = { primaryKeyConstraintName: 'PK_jwt_knox_sessions' };

/**
 * The columns of a session but `userId`. A host that wants a foreign key to its users extends this with its own entity,
 * declares `userId` with the type of its key, and names it in `sessionEntity`.
 */
@Index('IDX_jwt_knox_sessions_user', ['userId'])
@Index('IDX_jwt_knox_sessions_expires', ['expiresAt'])
@Index('UQ_jwt_knox_sessions_slot', ['userId', 'slot'], { unique: true })
export abstract class KnoxSessionBase implements SessionRecord {
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 36, ...PRIMARY_KEY })
  id!: string;

  /** Declared by each entity: the column's type is that of the host's user ids, text in {@link KnoxSession}. */
  abstract userId: string;

  @Column({ name: 'accessDigest', type: 'varchar', length: 64 })
  accessDigest!: string;

  @Column({ name: 'refreshDigest', type: 'varchar', length: 64, nullable: true })
  refreshDigest!: string | null;

  @Column({ name: 'previousRefreshDigest', type: 'varchar', length: 64, nullable: true })
  previousRefreshDigest!: string | null;

  @Column({ name: 'refreshSalt', type: 'varchar', length: 64, nullable: true })
  refreshSalt!: string | null;

  @Column({ name: 'generation', type: 'int' })
  generation!: number;

  @Column(epochMs('rotatedAt', { nullable: true }))
  rotatedAt!: number | null;

  @Column(epochMs('createdAt'))
  createdAt!: number;

  @Column(epochMs('authenticatedAt'))
  authenticatedAt!: number;

  @Column(epochMs('expiresAt'))
  expiresAt!: number;

  @Column(epochMs('lastUsedAt'))
  lastUsedAt!: number;

  @Column({ name: 'userAgent', type: 'varchar', length: TEXT_LIMITS.userAgent, nullable: true })
  userAgent!: string | null;

  @Column({ name: 'ipAddress', type: 'varchar', length: TEXT_LIMITS.ipAddress, nullable: true })
  ipAddress!: string | null;

  @Column({ name: 'deviceName', type: 'varchar', length: TEXT_LIMITS.deviceName, nullable: true })
  deviceName!: string | null;

  @Column({ name: 'slot', type: 'int', nullable: true })
  slot!: number | null;
}

/** The table `jwt_knox_sessions`, created by `jwtKnoxMigrations`. */
@Entity(SESSION_TABLE)
export class KnoxSession extends KnoxSessionBase {
  @Column({ name: 'userId', type: 'varchar', length: TEXT_LIMITS.userId })
  userId!: string;
}
