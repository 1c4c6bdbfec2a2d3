import { JwtKnoxCreateSessions1764000000000 } from './1764000000000-create-sessions';
import { JwtKnoxFencesAndKeys1764100000000 } from './1764100000000-fences-and-keys';
import { JwtKnoxRefusedDevices1764300000000 } from './1764300000000-refused-devices';

/**
 * The library's migrations, in order. Add them to `migrations` of the data source that holds the sessions.
 * @example
 * TypeOrmModule.forRoot({ migrations: [...jwtKnoxMigrations, CreateUsers], migrationsRun: true });
 */
export const jwtKnoxMigrations = [
  JwtKnoxCreateSessions1764000000000,
  JwtKnoxFencesAndKeys1764100000000,
  JwtKnoxRefusedDevices1764300000000,
];

export { JwtKnoxCreateSessions1764000000000, JwtKnoxFencesAndKeys1764100000000, JwtKnoxRefusedDevices1764300000000 };
export { announceRevocations, announceUserChanges } from './announcements';
export type { AnnouncedSessions, AnnouncedUsers, MigrationClass } from './announcements';
