import { MoreThan, type ObjectLiteral, type QueryBuilder, type Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import type { AccessKeyChange, Rotation } from '../contracts/session.repository';
import type { Connections } from './connections';
import { hasHostTransformer } from './user-id-column';
import type { JwtKnoxSessionBase } from './session.entity';
import { COLUMNS, type Where } from './session-row';

type Column = ReturnType<Repository<JwtKnoxSessionBase>['metadata']['findColumnWithPropertyName']>;

/** Stands in a statement for a value; nothing that a host writes looks like it. */
const placeholder = (name: string) => `jwt-knox:${name}`;

/** A write that TypeORM builds once: building SQL costs many times what sending it does. */
export class CompiledStatement<Values extends object> {
  private readonly columns: readonly Column[];

  private constructor(
    private readonly rows: Repository<JwtKnoxSessionBase>,
    private readonly sql: string,
    private readonly names: readonly (keyof Values & string)[],
  ) {
    this.columns = names.map((name) => rows.metadata.findColumnWithPropertyName(name));
  }

  /**
   * Null where it has to be built each time: TypeORM gives a column of the host a value of its own, such as a UUID.
   * @param builder a statement in which each value's place is taken by {@link placeholder} its name
   * @param names of all values
   */
  static of<Values extends object>(
    rows: Repository<JwtKnoxSessionBase>,
    builder: QueryBuilder<ObjectLiteral>,
    names: readonly (keyof Values & string)[],
  ): CompiledStatement<Values> | null {
    const [sql, parameters] = builder.getQueryAndParameters();
    const found = parameters.map((place: unknown) => names.find((name) => placeholder(name) === place));
    return found.every((name) => name !== undefined) ? new CompiledStatement(rows, sql, found) : null;
  }

  /** How many rows it changed. */
  run(values: Values, connections: Connections): Promise<number> {
    const { connection } = this.rows.manager;
    const parameters = this.names.map((name, index) => {
      const column = this.columns[index];
      return column ? connection.driver.preparePersistentValue(values[name], column) : values[name];
    });
    return connections.lendOwn(async (runner) => (await runner.query(this.sql, parameters, true)).affected ?? 0);
  }
}

/** The INSERT of a login. */
function insertion(rows: Repository<JwtKnoxSessionBase>): CompiledStatement<SessionRecord> | null {
  if (hasOwnSql(rows)) return null;
  const places = Object.fromEntries(COLUMNS.map((name) => [name, () => `:jwt_knox_${name}`]));
  const names = Object.fromEntries(COLUMNS.map((name) => [`jwt_knox_${name}`, placeholder(name)]));
  return CompiledStatement.of(rows, rows.createQueryBuilder().insert().values(places).setParameters(names), COLUMNS);
}

/**
 * Whether the host's entity makes SQL anew for each row: a transformer of its own may give any, and for SQLite TypeORM
 * asks a default that is a function each time.
 */
function hasOwnSql({ metadata, manager }: Repository<JwtKnoxSessionBase>): boolean {
  const hasKeyword = ['postgres', 'mysql', 'mariadb'].includes(manager.connection.options.type);
  return metadata.columns.some(
    (column) => hasHostTransformer(column) || (typeof column.default === 'function' && !hasKeyword),
  );
}

export interface RotationValues extends Rotation {
  id: string;
  presentedDigest: string;
}

const ROTATION_VALUES: readonly (keyof RotationValues)[] = [
  'id', 'presentedDigest', 'refreshDigest', 'previousRefreshDigest', 'refreshSalt', 'rotationKeyDigest', 'generation',
  'expiresAt', 'lastUserAgent', 'lastIpAddress', 'at',
]; // prettier-ignore
const ACCESS_KEY_VALUES: readonly (keyof AccessKeyChange)[] = [
  'replaces', 'accessDigest', 'previousAccessDigest', 'accessSalt', 'accessKeyAt', 'accessKeyIndex',
]; // prettier-ignore

/** A rotation changes the row as it was presented, and no other. */
export function changeOf(values: RotationValues): { where: Where; change: Partial<SessionRecord> } {
  const { id, presentedDigest, replaces, at, ...change } = values;
  const accessKey = replaces !== undefined && { accessDigest: replaces };
  return {
    where: { id, refreshDigest: presentedDigest, ...accessKey, expiresAt: MoreThan(at) },
    change: { ...change, rotatedAt: at, lastUsedAt: at },
  };
}

/** The conditional UPDATE of a rotation. @param both whether the access key changes too */
function rotation(rows: Repository<JwtKnoxSessionBase>, both = false): CompiledStatement<RotationValues> | null {
  const names = both ? [...ROTATION_VALUES, ...ACCESS_KEY_VALUES] : ROTATION_VALUES;
  // TypeORM hands on both the places and the values unread.
  const named = Object.fromEntries(names.map((name) => [name, placeholder(name)])) as unknown as RotationValues;
  const { where, change } = changeOf(named);
  return CompiledStatement.of(
    rows,
    rows
      .createQueryBuilder()
      .update()
      .set(change as object)
      .where(where),
    names,
  );
}

/** The statements of a table that nearly every login and refresh sends; null where TypeORM has to build them each time. */
export interface CompiledStatements {
  insertion: ReturnType<typeof insertion>;
  rotation: ReturnType<typeof rotation>;
  /** A rotation that changes the access key too. */
  rotationOfBoth: ReturnType<typeof rotation>;
}

export function compiledStatements(rows: Repository<JwtKnoxSessionBase>): CompiledStatements {
  return { insertion: insertion(rows), rotation: rotation(rows), rotationOfBoth: rotation(rows, true) };
}
