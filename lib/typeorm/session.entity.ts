import { Column, type ColumnOptions, Entity, PrimaryColumn } from 'typeorm';
import { TEXT_LIMITS } from '../contracts/device';
import { SESSION_COLUMNS, SESSION_FIELDS, type SessionField, type SessionRecord } from '../contracts/session';
import { epochMs, jsonText } from './columns';
import { SessionIndex } from './table-shape';

export const SESSION_TABLE = 'jwt_knox_sessions';

/**
 * The columns of a session but `userId`: those of {@link SessionRecord}. For a foreign key to your users, extend it with
 * your own entity, declare `userId` with the type of your key, and set the entity in `typeOrm({ entity })`.
 * @example
 * `class UserSession extends JwtKnoxSessionBase { @Column({ transformer: stringTransformer }) userId!: string }`
 */
@SessionIndex('user', ['realm', 'userId'])
@SessionIndex('expires', ['expiresAt'])
@SessionIndex('slot', ['realm', 'userId', 'kind', 'slot'], { unique: true })
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class JwtKnoxSessionBase {
  /** Declared by each entity: the column's type is that of the host's user ids, text in {@link JwtKnoxSession}. */
  abstract userId: string;
}

// The other columns are declared below, from the one list of them.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface JwtKnoxSessionBase extends Omit<SessionRecord, 'userId' | 'claims'> {
  // Loose, so that TypeORM's types of partial entities fit.
  claims: any;
}

for (const name of SESSION_COLUMNS) {
  const column = columnOf(name, SESSION_FIELDS[name]);
  if (name === 'id') PrimaryColumn(column as object)(JwtKnoxSessionBase.prototype, name);
  else if (name !== 'userId') Column(column)(JwtKnoxSessionBase.prototype, name);
}

function columnOf(name: string, field: SessionField): ColumnOptions {
  const { type, length, preset } = field;
  const nullable = field.nullable ?? false;
  const common = { name, nullable, ...(preset !== undefined && { default: preset }) };
  if (type === 'text') return { ...common, type: 'varchar', length };
  if (type === 'count') return { ...common, type: 'int' };
  return type === 'json' ? { ...common, type: 'text', transformer: jsonText } : epochMs(name, { nullable });
}

/**
 * The table `jwt_knox_sessions`, created by `jwtKnoxMigrations`.
 * @example
 * new DataSource({ type: 'postgres', url, entities: [JwtKnoxSession, JwtKnoxFence] });
 */
@Entity(SESSION_TABLE)
export class JwtKnoxSession extends JwtKnoxSessionBase {
  @Column({ name: 'userId', type: 'varchar', length: TEXT_LIMITS.userId })
  userId!: string;
}
