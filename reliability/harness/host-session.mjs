// A host that keeps more with a session than the library does: a column of its own, and a table that refers to sessions.
import { createRequire } from 'node:module';
import { Column, Entity } from 'typeorm';

const { JwtKnoxSessionBase } = createRequire(import.meta.url)('nestjs-jwt-knox/typeorm');

export class HostSession extends JwtKnoxSessionBase {}
Entity('jwt_knox_sessions')(HostSession);
Column({ name: 'userId', type: 'varchar', length: 255 })(HostSession.prototype, 'userId');
Column({ name: 'secondFactor', type: 'boolean', default: false })(HostSession.prototype, 'secondFactor');

export const columnIn = (kind, name) => (kind === 'mariadb' ? `\`${name}\`` : `"${name}"`);

const exact = (kind) => (kind === 'mariadb' ? 'CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin' : '');

/** What the host's own migrations do. */
export async function prepareHost(kind, source) {
  await source.query(
    `ALTER TABLE jwt_knox_sessions ADD COLUMN ${columnIn(kind, 'secondFactor')} BOOLEAN NOT NULL DEFAULT false`,
  );
  await source.query(
    `CREATE TABLE app_notes (id INT PRIMARY KEY, session_id VARCHAR(36) ${exact(kind)} NOT NULL,
     FOREIGN KEY (session_id) REFERENCES jwt_knox_sessions (id))`,
  );
}
