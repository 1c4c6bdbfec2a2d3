import type { EntityTarget, ObjectLiteral, Repository } from 'typeorm';
import { JwtKnoxFence } from './fence.entity';

/** What of a data source and an entity does not fit what sessions need, each with its remedy. */
export function setupProblems(
  rows: Repository<ObjectLiteral>,
  { readOnly, userRelation }: { readOnly: boolean; userRelation: string | undefined },
): string[] {
  if (!rows.manager.connection.isInitialized) {
    return [
      'The data source is not initialized: leave manualInitialization out of its options, so that Nest connects first.',
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
  if (userRelation === undefined || rows.metadata.findRelationWithPropertyPath(userRelation)) return [];
  return [
    `userRelation: the entity ${rows.metadata.name} has no relation '${userRelation}'; set entity to one of your own that has it.`,
  ];
}

function nameOf(target: EntityTarget<object>): string {
  return typeof target === 'function' ? target.name : String(target);
}
