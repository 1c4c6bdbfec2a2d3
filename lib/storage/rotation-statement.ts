import { MoreThan, type Repository } from 'typeorm';
import type { Rotation } from '../contracts/session.repository';
import type { KnoxSessionBase } from './knox-session.entity';

interface Values extends Rotation {
  id: string;
  presentedDigest: string;
}

/** The conditional UPDATE of a rotation. TypeORM builds its SQL once: building costs many times what sending does. */
export class RotationStatement {
  private readonly sql: string;
  private readonly names: readonly (keyof Values)[];

  constructor(private readonly rows: Repository<KnoxSessionBase>) {
    // Each value's name stands in its place; TypeORM hands on both unread.
    const named = (name: keyof Values) => name as never;
    const update = rows
      .createQueryBuilder()
      .update()
      .set({
        refreshDigest: named('refreshDigest'),
        previousRefreshDigest: named('previousRefreshDigest'),
        refreshSalt: named('refreshSalt'),
        generation: named('generation'),
        expiresAt: named('expiresAt'),
        rotatedAt: named('at'),
        lastUsedAt: named('at'),
      })
      .where({ id: named('id'), refreshDigest: named('presentedDigest'), expiresAt: MoreThan(named('at')) });
    [this.sql, this.names] = update.getQueryAndParameters() as [string, (keyof Values)[]];
  }

  /** Whether the row was still as presented, and is rotated now. */
  async run(values: Values): Promise<boolean> {
    const runner = this.rows.manager.connection.createQueryRunner('master');
    try {
      const parameters = this.names.map((name) => values[name]);
      return (await runner.query(this.sql, parameters, true)).affected === 1;
    } finally {
      await runner.release();
    }
  }
}
