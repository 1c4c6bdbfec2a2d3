import { type EntityTarget, getMetadataArgsStorage, type ObjectLiteral, type Repository } from 'typeorm';
import { SESSION_COLUMNS } from '../contracts/session';
import { dialectOf } from './dialect';
import { JwtKnoxFence } from './fence.entity';
import { JwtKnoxSessionBase } from './session.entity';

/** What of a data source and an entity does not fit what sessions need, each with its remedy. */
export function setupProblems(
  rows: Repository<ObjectLiteral>,
  { readOnly, userRelation }: { readOnly: boolean; userRelation: string | undefined },
): string[] {
  const { isInitialized, options } = rows.manager.connection;
  if (!isInitialized) {
    return [
      'The data source is not initialized: leave manualInitialization out of its options, so that Nest connects first.',
    ];
  }
  if (dialectOf(options) === null) {
    return [
      `The data source is of the type '${options.type}', which this storage does not know; use PostgreSQL, MariaDB, MySQL or SQLite, or set another storage.`,
    ];
  }
  const needed = readOnly ? [rows.target] : [rows.target, JwtKnoxFence];
  const missing = needed.filter((one) => !rows.manager.connection.hasMetadata(one));
  if (missing.length > 0) {
    const names = missing.map(nameOf).join(' and ');
    return [
      `The data source does not know the entity ${names}: set autoLoadEntities: true, or add ${names} to its entities.`,
    ];
  }
  const again = declaredAgain(rows.target);
  if (again.length > 0) {
    return [
      `The entity ${rows.metadata.name} declares ${again.join(', ')} again, which TypeORM ignores; of the session's columns only userId is yours to declare.`,
    ];
  }
  if (userRelation === undefined || rows.metadata.findRelationWithPropertyPath(userRelation)) return [];
  return [
    `userRelation: the entity ${rows.metadata.name} has no relation '${userRelation}'; set entity to one of your own that has it.`,
  ];
}

function nameOf(target: EntityTarget<object>): string {
  return typeof target === 'function' ? target.name : String(target);
}

/** Columns of the base that an entity which extends it declares too: the base's count. */
function declaredAgain(entity: EntityTarget<object>): string[] {
  const inherits = (target: unknown) =>
    typeof entity === 'function' && typeof target === 'function' && target.prototype instanceof JwtKnoxSessionBase
      ? entity === target || entity.prototype instanceof target
      : false;
  const own = getMetadataArgsStorage().columns.filter(({ target }) => inherits(target));
  const names = own.map(({ propertyName }) => propertyName);
  return names.filter((name) => name !== 'userId' && (SESSION_COLUMNS as readonly string[]).includes(name));
}
