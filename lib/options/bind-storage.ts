import type { ModuleMetadata, Provider } from '@nestjs/common';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import type { JwtKnoxFeature } from '../contracts/feature';
import type { SessionStorage } from '../contracts/session-storage';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from './resolve-options';
import { traceStorage } from './traced-storage';

/** What a module adds to itself for its session storage. */
export interface BoundStorage {
  imports: NonNullable<ModuleMetadata['imports']>;
  provider: Provider;
}

/** What a module does with its storage. */
export interface StorageUse {
  /** The module's, for messages. */
  name: string;
  /** Whether sessions are only looked up, and neither started nor ended. */
  readOnly: boolean;
  /** What a feature puts in front of it. */
  front?: JwtKnoxFeature['repository'];
}

/**
 * Provides the repository that a storage returns, once the options are found sound and the repository is set up for what
 * the module does with it.
 */
export function bindStorage(storage: SessionStorage, { name: moduleName, readOnly, front }: StorageUse): BoundStorage {
  const useFactory = async (
    options: Pick<ResolvedOptions, 'realm' | 'storageTimeout'>,
    ...args: unknown[]
  ): Promise<SessionRepository> => {
    const { realm, storageTimeout } = options;
    const own = args.slice(0, storage.inject?.length ?? 0);
    const repository: unknown = await storage.useFactory(...own, { realm, storageTimeout });
    const problems = isRepository(repository) ? problemsOf(repository, { realm, readOnly }) : [NO_REPOSITORY];
    if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, moduleName);
    traceStorage(repository as SessionRepository, options);
    if (!front) return repository as SessionRepository;
    return front.useFactory(repository as SessionRepository, ...args.slice(own.length));
  };
  const inject = [JWT_KNOX_OPTIONS, ...(storage.inject ?? []), ...(front?.inject ?? [])];
  return { imports: storage.imports ?? [], provider: { provide: SessionRepository, useFactory, inject } };
}

const NO_REPOSITORY = 'storage: useFactory must return an instance of a class that extends SessionRepository.';

/** One that only looks sessions up finds those of every realm. */
function problemsOf(repository: SessionRepository, { realm, readOnly }: { realm: string; readOnly: boolean }) {
  const problems = repository.setupProblems({ readOnly });
  if (readOnly || repository.realm === realm) return problems;
  const problem =
    `storage: the repository is of the realm '${repository.realm}', and the module of '${realm}'; make the repository with ` +
    'the realm that useFactory is given in its last argument.';
  return [...problems, problem];
}

function isRepository(value: unknown): value is SessionRepository {
  return value instanceof SessionRepository;
}
