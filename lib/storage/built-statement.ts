import { MoreThan, type ObjectLiteral, type QueryBuilder, type Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import type { Rotation } from '../contracts/session.repository';
import { DirectStatement } from './direct-statement';
import type { KnoxSessionBase } from './knox-session.entity';
import { COLUMNS, type Where } from './session-row';

/** A write that TypeORM builds once: building SQL costs many times what sending it does. */
export class BuiltStatement<Values extends object> {
  private constructor(
    private readonly rows: Repository<KnoxSessionBase>,
    private readonly statement: DirectStatement,
    private readonly names: readonly (keyof Values)[],
  ) {}

  /**
   * Null where it has to be built each time: TypeORM gives a column of the host a value of its own, such as a UUID.
   * @param builder a statement in which each value's name stands in its place
   * @param names of all values
   */
  static of<Values extends object>(
    rows: Repository<KnoxSessionBase>,
    builder: QueryBuilder<ObjectLiteral>,
    names: readonly (keyof Values)[],
    prepared: boolean,
  ): BuiltStatement<Values> | null {
    const [sql, parameters] = builder.getQueryAndParameters() as [string, (keyof Values)[]];
    if (!parameters.every((name) => names.includes(name))) return null;
    return new BuiltStatement(rows, new DirectStatement(rows.manager.connection, sql, prepared), parameters);
  }

  /** How many rows it changed. */
  run(values: Values): Promise<number> {
    return this.statement.affected(this.names.map((name) => this.persisted(name, values[name])));
  }

  /** As the column wants it: a host's own `userId` may have a transformer. */
  private persisted(name: keyof Values, value: unknown): unknown {
    const column = this.rows.metadata.findColumnWithPropertyName(String(name));
    return column ? this.rows.manager.connection.driver.preparePersistentValue(value, column) : value;
  }
}

/** The INSERT of a login. */
export function insertion(rows: Repository<KnoxSessionBase>, prepared: boolean): BuiltStatement<SessionRecord> | null {
  const places = Object.fromEntries(COLUMNS.map((name) => [name, () => `:${name}`]));
  const names = Object.fromEntries(COLUMNS.map((name) => [name, name]));
  const insert = rows.createQueryBuilder().insert().values(places).setParameters(names);
  return BuiltStatement.of(rows, insert, COLUMNS, prepared);
}

export interface RotationValues extends Rotation {
  id: string;
  presentedDigest: string;
}

const ROTATION_VALUES: readonly (keyof RotationValues)[] = [
  'id', 'presentedDigest', 'refreshDigest', 'previousRefreshDigest', 'refreshSalt', 'generation', 'expiresAt', 'at',
]; // prettier-ignore

/** A rotation changes the row as it was presented, and no other. */
export function changeOf(values: RotationValues): { where: Where; change: Partial<SessionRecord> } {
  const { id, presentedDigest, at, ...change } = values;
  return {
    where: { id, refreshDigest: presentedDigest, expiresAt: MoreThan(at) },
    change: { ...change, rotatedAt: at, lastUsedAt: at },
  };
}

/** The conditional UPDATE of a rotation. */
export function rotation(rows: Repository<KnoxSessionBase>, prepared: boolean): BuiltStatement<RotationValues> | null {
  // TypeORM hands on both the names and the values unread.
  const named = Object.fromEntries(ROTATION_VALUES.map((name) => [name, name])) as unknown as RotationValues;
  const { where, change } = changeOf(named);
  const update = rows.createQueryBuilder().update().set(change).where(where);
  return BuiltStatement.of(rows, update, ROTATION_VALUES, prepared);
}
