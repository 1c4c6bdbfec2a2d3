import { Column, Entity, PrimaryColumn } from 'typeorm';
import { epochMs } from './columns';

/**
 * The table `jwt_knox_fences`, created by `jwtKnoxMigrations`: what keeps a login that is under way from outliving the
 * end of its user's sessions. One row for the counter (`#`), one for the fence of all users (`*`), and one for each user
 * whose sessions were ever ended all at once.
 * @example
 * new DataSource({ type: 'postgres', url, entities: [JwtKnoxSession, JwtKnoxFence] });
 */
@Entity('jwt_knox_fences')
export class JwtKnoxFence {
  /** `#`, `*`, or the SHA-256 of realm, a NUL character and, for one user, the user id, in lowercase hex. */
  @PrimaryColumn({ name: 'scope', type: 'varchar', length: 80 })
  scope!: string;

  /** What the counter was when the fence was raised last; never goes down. */
  @Column(epochMs('value'))
  value!: number;
}
