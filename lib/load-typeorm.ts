import { JwtKnoxConfigurationError } from './contracts/errors';
import type { SessionStorage } from './contracts/session-storage';

type TypeOrmEntry = typeof import('./typeorm');

/**
 * The storage of an application that names none: TypeORM on the default data source. Loaded here and not before, because
 * an application with another storage need not have TypeORM; with `require`, because Jest has no `import()`.
 */
export function defaultStorage(): SessionStorage {
  try {
    const { typeOrm } = require('./typeorm') as TypeOrmEntry;
    return typeOrm();
  } catch (error) {
    if (!String((error as { code?: unknown }).code).endsWith('MODULE_NOT_FOUND')) throw error;
    return { useFactory: refuse };
  }
}

function refuse(): never {
  throw new JwtKnoxConfigurationError([
    'storage: missing, and typeorm and @nestjs/typeorm, which store sessions by default, are not installed. Install them ' +
      'with `npm install typeorm @nestjs/typeorm@<major version of your @nestjs/core>`, or set storage.',
  ]);
}
