import type { DynamicModule, Provider } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import type { JwtKnoxExtras } from '../options/options';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { KnoxSession, type KnoxSessionBase } from './knox-session.entity';
import { TypeOrmSessionRepository } from './typeorm-session.repository';

type StorageExtras = Pick<JwtKnoxExtras, 'sessionRepository' | 'dataSource' | 'sessionEntity' | 'sessionUser'>;
type StorageOptions = Pick<ResolvedOptions, 'preparedStatements'>;

/** What binds the session storage that the extras ask for. */
export function storageOf(extras: StorageExtras): { imports: DynamicModule[]; provider: Provider } {
  const { sessionRepository: own, dataSource, sessionUser } = extras;
  if (typeof own === 'function') return { imports: [], provider: { provide: SessionRepository, useClass: own } };
  if (own) return { imports: [], provider: { provide: SessionRepository, useValue: own } };
  const entity = extras.sessionEntity ?? KnoxSession;
  const useFactory = (rows: Repository<KnoxSessionBase>, { preparedStatements }: StorageOptions) => {
    const settings = { userRelation: sessionUser, preparedStatements };
    if (rows.manager.connection.hasMetadata(entity)) return new TypeOrmSessionRepository(rows, settings);
    throw new JwtKnoxConfigurationError([
      `The data source does not know the entity ${entity.name}: set autoLoadEntities: true, or add ${entity.name} to its entities.`,
    ]);
  };
  return {
    imports: [TypeOrmModule.forFeature([entity], dataSource)],
    provider: {
      provide: SessionRepository,
      useFactory,
      inject: [getRepositoryToken(entity, dataSource), JWT_KNOX_OPTIONS],
    },
  };
}
