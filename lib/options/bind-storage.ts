import type { ModuleMetadata, Provider } from '@nestjs/common';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import type { SessionStorage } from '../contracts/session-storage';
import { JWT_KNOX_OPTIONS } from './resolve-options';

/** What a module adds to itself for its session storage. */
export interface BoundStorage {
  imports: NonNullable<ModuleMetadata['imports']>;
  provider: Provider;
}

/**
 * Provides the repository that a storage returns, once the options are found sound and the repository is set up for what
 * the module does with it.
 * @param readOnly whether sessions are only looked up, and neither started nor ended
 */
export function bindStorage(storage: SessionStorage, moduleName: string, readOnly: boolean): BoundStorage {
  const useFactory = async (_options: unknown, ...args: unknown[]): Promise<SessionRepository> => {
    const repository: unknown = await storage.useFactory(...args);
    const problems = isRepository(repository) ? repository.setupProblems({ readOnly }) : [NO_REPOSITORY];
    if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, moduleName);
    return repository as SessionRepository;
  };
  const inject = [JWT_KNOX_OPTIONS, ...(storage.inject ?? [])];
  return { imports: storage.imports ?? [], provider: { provide: SessionRepository, useFactory, inject } };
}

const NO_REPOSITORY = 'storage: useFactory must return an instance of a class that extends SessionRepository.';

function isRepository(value: unknown): value is SessionRepository {
  return value instanceof SessionRepository;
}
