import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import type { JwtKnoxExtras } from '../options/options';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { JwtKnoxFence } from './fence.entity';
import { JwtKnoxSession, type JwtKnoxSessionBase } from './session.entity';
import { TypeOrmSessionRepository } from './typeorm-session.repository';

type StorageExtras = Pick<JwtKnoxExtras, 'sessionRepository' | 'dataSource' | 'sessionEntity' | 'sessionUser'>;
type StorageOptions = Pick<ResolvedOptions, 'preparedStatements'>;

/**
 * What binds the session storage that the extras ask for.
 * @param startsSessions whether sessions start and end here too, which takes the fences
 */
export function storageOf(
  extras: StorageExtras,
  startsSessions: boolean,
): { imports: DynamicModule[]; provider: Provider } {
  const { sessionRepository: own, dataSource, sessionUser } = extras;
  if (typeof own === 'function') return { imports: [], provider: { provide: SessionRepository, useClass: own } };
  if (own) return { imports: [], provider: { provide: SessionRepository, useValue: own } };
  const entity = extras.sessionEntity ?? JwtKnoxSession;
  const entities: Type<object>[] = startsSessions ? [entity, JwtKnoxFence] : [entity];
  const useFactory = (rows: Repository<JwtKnoxSessionBase>, { preparedStatements }: StorageOptions) => {
    const settings = { userRelation: sessionUser, preparedStatements };
    const unknown = entities.filter((one) => !rows.manager.connection.hasMetadata(one));
    if (unknown.length === 0) return new TypeOrmSessionRepository(rows, settings);
    const names = unknown.map(({ name }) => name).join(' and ');
    throw new JwtKnoxConfigurationError([
      `The data source does not know the entity ${names}: set autoLoadEntities: true, or add ${names} to its entities.`,
    ]);
  };
  return {
    imports: [TypeOrmModule.forFeature(entities, dataSource)],
    provider: {
      provide: SessionRepository,
      useFactory,
      inject: [getRepositoryToken(entity, dataSource), JWT_KNOX_OPTIONS],
    },
  };
}
