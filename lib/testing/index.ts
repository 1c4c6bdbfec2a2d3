export { actingAs } from './acting-as';
export type { Actor } from './acting-as';
export { FakeClock } from './fake-clock';
export { inMemory } from './in-memory.storage';
export { InMemorySessionRepository } from './in-memory-session.repository';
export { sessionRepositoryContract } from './session-repository.contract';
export type { ContractRunner, ContractSubject } from './session-repository.contract';
export { revocationFeedContract } from './revocation-feed.contract';
export type { FeedSubject } from './revocation-feed.cases';
