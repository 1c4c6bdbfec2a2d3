import type { SessionStorage, SessionStorageContext } from '../contracts/session-storage';
import { InMemorySessionRepository } from './in-memory-session.repository';

/**
 * Stores sessions in memory, for tests without a database. Each application has its own, gone when it is closed. To share
 * one between applications, or to look into it, write `storage: { useFactory: () => repository }` instead.
 *
 * @example
 * import { JwtKnoxModule } from 'nestjs-jwt-knox';
 * import { inMemory } from 'nestjs-jwt-knox/testing';
 *
 * JwtKnoxModule.forRoot({ secret, storage: inMemory() });
 */
export function inMemory(): SessionStorage {
  return { useFactory: (context?: SessionStorageContext) => new InMemorySessionRepository(context?.realm) };
}
