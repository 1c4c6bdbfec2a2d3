import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { SessionRepository } from './session.repository';

/** What a storage is told of the module that it is for. */
export interface SessionStorageContext {
  /** Goes into the repository's `realm`; '' where the module has none. */
  readonly realm: string;
  /** How long a request waits for the storage, in ms: what takes longer, such as a connection gone silent, is given up. */
  readonly storageTimeout?: number | undefined;
}

/**
 * Where sessions are stored, in the form of a Nest factory provider: the extra `storage`. `typeOrm()` of
 * `nestjs-jwt-knox/typeorm` and `inMemory()` of `nestjs-jwt-knox/testing` return one; write your own for another store.
 *
 * @example
 * JwtKnoxModule.forRoot({
 *   secret: process.env.JWT_SECRET,
 *   storage: {
 *     imports: [RedisModule],
 *     inject: [RedisSessionRepository],
 *     useFactory: (repository: RedisSessionRepository) => repository,
 *   },
 * });
 */
export interface SessionStorage {
  /** Modules that export what the factory injects. */
  imports?: ModuleMetadata['imports'] | undefined;
  /** Injection tokens of the factory's arguments. */
  inject?: FactoryProvider['inject'] | undefined;
  /**
   * Returns the repository; called once for each module that the storage is given to, with what it injects and, after
   * that, a {@link SessionStorageContext}.
   */
  useFactory: (...args: any[]) => SessionRepository | Promise<SessionRepository>;
}
