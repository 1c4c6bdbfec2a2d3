import { randomUUID } from 'node:crypto';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { epochMs } from '../database/columns.js';

/** What a username may be. Anything else is nobody's name, and never reaches the database. */
export const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

@Entity('users')
@Index('UQ_users_username', ['username'], { unique: true })
export class User {
  /** Random, so that no later user gets the id of a deleted one. */
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'PK_users' })
  id!: string;

  @Column({ type: 'varchar', length: 64 })
  username!: string;

  @Column({ type: 'varchar', length: 255 })
  passwordHash!: string;

  @Column({ type: 'boolean' })
  isAdmin!: boolean;

  @Column({ type: 'boolean' })
  isActive!: boolean;

  @Column(epochMs())
  createdAt!: number;

  @Column(epochMs({ nullable: true }))
  passwordChangedAt!: number | null;

  @Column(epochMs({ nullable: true }))
  lastLoginAt!: number | null;
}

export function newUser(username: string, passwordHash: string): User {
  return Object.assign(new User(), {
    id: randomUUID(),
    username,
    passwordHash,
    isAdmin: false,
    isActive: true,
    createdAt: Date.now(),
    passwordChangedAt: null,
    lastLoginAt: null,
  });
}
