// The host's tables: users, and sessions with a foreign key to them.
import 'reflect-metadata';
import { JwtKnoxSessionBase } from 'nestjs-jwt-knox/typeorm';
import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';

function property(prototype, name, ...decorators) {
  for (const decorate of decorators) decorate(prototype, name);
}

export class User {}
property(User.prototype, 'id', PrimaryColumn({ type: 'varchar', length: 40 }));
property(User.prototype, 'username', Column({ type: 'varchar', length: 64, unique: true }));
property(User.prototype, 'password', Column({ type: 'varchar', length: 64 }));
property(User.prototype, 'isActive', Column({ type: 'boolean', default: true }));
property(User.prototype, 'validSince', Column({ type: 'bigint', nullable: true }));
Entity('bench_users')(User);

export class JoinedSession extends JwtKnoxSessionBase {}
property(JoinedSession.prototype, 'userId', Column({ name: 'userId', type: 'varchar', length: 40 }));
property(
  JoinedSession.prototype,
  'user',
  ManyToOne(() => User, { onDelete: 'CASCADE' }),
  JoinColumn({ name: 'userId' }),
);
Entity('bench_sessions')(JoinedSession);
