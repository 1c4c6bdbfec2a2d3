import { MoreThan, type ObjectLiteral, type QueryBuilder, type Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import type { Rotation } from '../contracts/session.repository';
import type { KnoxSessionBase } from './knox-session.entity';
import { COLUMNS, type Where } from './session-row';

/** A write that TypeORM builds once: building SQL costs many times what sending it does. */
export class BuiltStatement<Values extends object> {
  private constructor(
    private readonly rows: Repository<KnoxSessionBase>,
    private readonly sql: string,
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
  ): BuiltStatement<Values> | null {
    const [sql, parameters] = builder.getQueryAndParameters() as [string, (keyof Values)[]];
    return parameters.every((name) => names.includes(name)) ? new BuiltStatement(rows, sql, parameters) : null;
  }

  /** How many rows it changed. */
  async run(values: Values): Promise<number> {
    const runner = this.rows.manager.connection.createQueryRunner('master');
    try {
      const parameters = this.names.map((name) => this.persisted(name, values[name]));
      return (await runner.query(this.sql, parameters, true)).affected ?? 0;
    } finally {
      await runner.release();
    }
  }

  /** As the column wants it: a host's own `userId` may have a transformer. */
  private persisted(name: keyof Values, value: unknown): unknown {
    const column = this.rows.metadata.findColumnWithPropertyName(String(name));
    return column ? this.rows.manager.connection.driver.preparePersistentValue(value, column) : value;
  }
}

/** The INSERT of a login. */
export function insertion(rows: Repository<KnoxSessionBase>): BuiltStatement<SessionRecord> | null {
  const places = Object.fromEntries(COLUMNS.map((name) => [name, () => `:${name}`]));
  const names = Object.fromEntries(COLUMNS.map((name) => [name, name]));
  return BuiltStatement.of(rows, rows.createQueryBuilder().insert().values(places).setParameters(names), COLUMNS);
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
export function rotation(rows: Repository<KnoxSessionBase>): BuiltStatement<RotationValues> | null {
  // TypeORM hands on both the names and the values unread.
  const named = Object.fromEntries(ROTATION_VALUES.map((name) => [name, name])) as unknown as RotationValues;
  const { where, change } = changeOf(named);
  return BuiltStatement.of(rows, rows.createQueryBuilder().update().set(change).where(where), ROTATION_VALUES);
}
