import { MoreThan, type ObjectLiteral, type QueryBuilder, type Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import type { Rotation } from '../contracts/session.repository';
import type { KnoxSessionBase } from './knox-session.entity';
import { COLUMNS } from './session-row';

/** A write that TypeORM builds once: building SQL costs many times what sending it does. */
export class BuiltStatement<Values extends object> {
  private readonly sql: string;
  private readonly names: readonly (keyof Values)[];

  /** @param builder a statement in which each value's name stands in its place */
  constructor(
    private readonly rows: Repository<KnoxSessionBase>,
    builder: QueryBuilder<ObjectLiteral>,
  ) {
    [this.sql, this.names] = builder.getQueryAndParameters() as [string, (keyof Values)[]];
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
export function insertion(rows: Repository<KnoxSessionBase>): BuiltStatement<SessionRecord> {
  const inPlaces = Object.fromEntries(COLUMNS.map((name) => [name, () => `:${name}`]));
  const names = Object.fromEntries(COLUMNS.map((name) => [name, name]));
  return new BuiltStatement(rows, rows.createQueryBuilder().insert().values(inPlaces).setParameters(names));
}

interface RotationValues extends Rotation {
  id: string;
  presentedDigest: string;
}

/** The conditional UPDATE of a rotation: of the row as it was presented. */
export function rotation(rows: Repository<KnoxSessionBase>): BuiltStatement<RotationValues> {
  // TypeORM hands on both the names and the values unread.
  const named = (name: keyof RotationValues) => name as never;
  const update = rows
    .createQueryBuilder()
    .update()
    .set({
      refreshDigest: named('refreshDigest'),
      previousRefreshDigest: named('previousRefreshDigest'),
      refreshSalt: named('refreshSalt'),
      generation: named('generation'),
      expiresAt: named('expiresAt'),
      rotatedAt: named('at'),
      lastUsedAt: named('at'),
    })
    .where({ id: named('id'), refreshDigest: named('presentedDigest'), expiresAt: MoreThan(named('at')) });
  return new BuiltStatement(rows, update);
}
