export { typeOrm } from './typeorm.storage';
export type { PreparedStatementsFactory, TypeOrmStorageOptions } from './typeorm.storage';
export { TypeOrmSessionRepository } from './typeorm-session.repository';
export type { TypeOrmSessionRepositoryOptions } from './repository-options';
export { JwtKnoxSession, JwtKnoxSessionBase } from './session.entity';
export { JwtKnoxFence } from './fence.entity';
export { stringTransformer } from './columns';
