import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { epochMs } from '../database/columns.js';
import { User } from '../users/user.entity.js';

@Entity('notes')
@Index('IDX_notes_user', ['userId'])
export class Note {
  @PrimaryColumn({ type: 'varchar', length: 36, primaryKeyConstraintName: 'PK_notes' })
  id!: string;

  @Column({ type: 'varchar', length: 36 })
  userId!: string;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'userId', foreignKeyConstraintName: 'FK_notes_user' })
  user?: User;

  @Column({ type: 'varchar', length: 1_000 })
  text!: string;

  @Column(epochMs())
  createdAt!: number;
}
