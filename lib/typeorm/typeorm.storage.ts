import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import { getRepositoryToken } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { SessionStorage, SessionStorageContext } from '../contracts/session-storage';
import { JwtKnoxFence } from './fence.entity';
import { repositoriesOf } from './repositories.module';
import { JwtKnoxSession, type JwtKnoxSessionBase } from './session.entity';
import { TypeOrmSessionRepository } from './typeorm-session.repository';

/** `preparedStatements` from your configuration: a Nest factory that returns true or false. */
export interface PreparedStatementsFactory {
  /** Modules that export what the factory injects. */
  imports?: ModuleMetadata['imports'] | undefined;
  /** Injection tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'] | undefined;
  useFactory: (...args: any[]) => boolean | Promise<boolean>;
}

/** What {@link typeOrm} takes. */
export interface TypeOrmStorageOptions {
  /** Name of the TypeORM data source; the default one when left out. */
  dataSource?: string | undefined;
  /** An entity of your application that extends `JwtKnoxSessionBase`. @default JwtKnoxSession */
  entity?: Type<object> | undefined;
  /** The relation of `entity` to the user: session and user are then read in one query. */
  userRelation?: string | undefined;
  /**
   * Sends the look-up of a session as a named prepared statement (PostgreSQL, MariaDB, MySQL): cheaper, but poolers that
   * hand a connection to another client between two statements break it. @default false
   */
  preparedStatements?: boolean | PreparedStatementsFactory | undefined;
}

const OPTIONS = ['dataSource', 'entity', 'userRelation', 'preparedStatements'];

/**
 * Stores sessions with TypeORM. Without the extra `storage`, `JwtKnoxModule` uses `typeOrm()`.
 *
 * @example
 * import { JwtKnoxModule } from 'nestjs-jwt-knox';
 * import { typeOrm } from 'nestjs-jwt-knox/typeorm';
 *
 * JwtKnoxModule.forRoot({
 *   secret: process.env.JWT_SECRET,
 *   storage: typeOrm({ dataSource: 'sessions', preparedStatements: true }),
 * });
 */
export function typeOrm(options: TypeOrmStorageOptions = {}): SessionStorage {
  const { dataSource, entity = JwtKnoxSession, userRelation, preparedStatements = false } = options;
  const unknown = Object.keys(options).filter((name) => !OPTIONS.includes(name));
  const prepared = isFactory(preparedStatements) ? preparedStatements : { useFactory: () => preparedStatements };
  return {
    imports: [repositoriesOf([entity, JwtKnoxFence], dataSource), ...(prepared.imports ?? [])],
    inject: [getRepositoryToken(entity, dataSource), ...(prepared.inject ?? [])],
    useFactory: async (rows: Repository<JwtKnoxSessionBase>, ...args: unknown[]) => {
      if (unknown.length > 0) {
        const names = unknown.join(', ');
        throw new JwtKnoxConfigurationError([`typeOrm(): ${names}: no such option; known are ${OPTIONS.join(', ')}.`]);
      }
      const injected = prepared.inject?.length ?? 0;
      const context = args[injected] as SessionStorageContext | undefined;
      const isPrepared: unknown = await prepared.useFactory(...args.slice(0, injected));
      if (typeof isPrepared !== 'boolean') {
        throw new JwtKnoxConfigurationError(['typeOrm(): preparedStatements must be true or false.']);
      }
      return new TypeOrmSessionRepository(rows, {
        userRelation,
        preparedStatements: isPrepared,
        realm: context?.realm,
        timeout: context?.storageTimeout,
      });
    },
  };
}

function isFactory(value: boolean | PreparedStatementsFactory): value is PreparedStatementsFactory {
  return typeof value === 'object' && value !== null;
}
