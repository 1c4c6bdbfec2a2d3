import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { tableName } from './portable';

// A migration is history: it repeats names as they were, and never follows the entity.
const SESSIONS = 'jwt_knox_sessions';
const COLUMN = 'boundRefusedAt';

/** Adds to the sessions when somebody without the key of a bound one was refused. Only adds: sessions that are alive go on. */
export class JwtKnoxRefusedDevices1764300000000 implements MigrationInterface {
  readonly name = 'JwtKnoxRefusedDevices1764300000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const sessions = tableName(queryRunner, SESSIONS);
    // `synchronize` may have made it.
    if (await queryRunner.hasColumn(sessions, COLUMN)) return;
    await queryRunner.addColumn(sessions, new TableColumn({ name: COLUMN, type: 'bigint', isNullable: true }));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropColumn(tableName(queryRunner, SESSIONS), COLUMN);
  }
}
