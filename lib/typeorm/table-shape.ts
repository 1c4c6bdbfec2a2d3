import { type EntityMetadata, Index, type IndexOptions } from 'typeorm';
import { SESSION_FIELDS, type SessionField, type SessionRecord } from '../contracts/session';
import { COLLATED_TYPES, dialectOf, exactText } from './dialect';

/** PostgreSQL cuts longer names, and would then take each index for another one. */
const LONGEST_NAME = 63;

/** `IDX_jwt_knox_sessions_user`. Names of indexes are unique in a schema, and on SQLite in a file: they follow the table. */
export function constraintName(kind: 'IDX' | 'UQ' | 'PK', table: string, suffix?: string): string {
  return [kind, table, ...(suffix === undefined ? [] : [suffix])].join('_');
}

/**
 * An index of the session's columns. Its columns are a function, which TypeORM calls as the index's own: there, and nowhere
 * else before it makes tables, an entity learns its table and its database.
 */
export function SessionIndex(
  suffix: string,
  columns: readonly (keyof SessionRecord)[],
  options: IndexOptions = {},
): ClassDecorator {
  const kind = options.unique ? 'UQ' : 'IDX';
  function build(this: EntityMetadata['indices'][number]): string[] {
    const { entityMetadata } = this;
    const name = constraintName(kind, entityMetadata.tableName, suffix);
    // Else as the host's naming strategy calls it.
    this.givenName = name.length > LONGEST_NAME ? undefined : name;
    shape(entityMetadata);
    return [...columns];
  }
  return Index(build, options);
}

/** What of the columns depends on table and database. What a host has set itself stays. */
function shape(metadata: EntityMetadata): void {
  const { driver } = metadata.connection;
  const isMysql = dialectOf(driver.options) === 'mysql';
  for (const column of metadata.columns) {
    const field: SessionField | undefined = SESSION_FIELDS[column.propertyName as keyof SessionRecord];
    if (field === undefined) continue;
    if (column.isPrimary) column.primaryKeyConstraintName ??= constraintName('PK', metadata.tableName);
    // Foreign keys of the host's refer to the id, and have been given its collation by now: none.
    if (!isMysql || column.propertyName === 'id' || column.charset || column.collation) continue;
    if (!COLLATED_TYPES.includes(driver.normalizeType(column))) continue;
    // A foreign key must compare as what it refers to does.
    const foreign = metadata.foreignKeys.find(({ columns }) => columns.includes(column));
    const exact =
      foreign?.referencedColumns[foreign.columns.indexOf(column)] ?? exactText(driver.options, driver.version);
    column.charset = exact.charset;
    column.collation = exact.collation;
  }
}
