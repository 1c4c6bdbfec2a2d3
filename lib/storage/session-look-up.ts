import type { Repository } from 'typeorm';
import type { FoundSession } from '../contracts/session.repository';
import type { KnoxSessionBase } from './knox-session.entity';
import { onPrimary } from './on-primary';
import { PreparedRead } from './prepared-read';
import { recordIn, selectColumns, toRecord } from './session-row';

/** Finds one session by its id; with its user in the same query, where a relation says who that is. */
export class SessionLookUp {
  private read: PreparedRead | undefined;

  constructor(
    private readonly rows: Repository<KnoxSessionBase>,
    private readonly userRelation: string | undefined,
    private readonly prepared: boolean,
  ) {}

  find(id: string): Promise<FoundSession | null> {
    return this.userRelation === undefined ? this.findRow(id) : this.findWithUser(id, this.userRelation);
  }

  private findRow(id: string): Promise<FoundSession | null> {
    this.read ??= this.prepare();
    return this.read.rows([id]).then(foundIn);
  }

  /** Building SQL costs more than running it. */
  private prepare(): PreparedRead {
    const select = selectColumns(this.rows.createQueryBuilder('session').select([])).where('session.id = :id', {
      id: '',
    });
    return new PreparedRead(this.rows.manager.connection, select.getQueryAndParameters()[0], this.prepared);
  }

  private async findWithUser(id: string, relation: string): Promise<FoundSession | null> {
    const row = await onPrimary(this.rows.manager.connection, (runner) =>
      this.rows
        .createQueryBuilder('session')
        .setQueryRunner(runner)
        .leftJoinAndSelect(`session.${relation}`, 'user')
        .where('session.id = :id', { id })
        .cache(false)
        .getOne(),
    );
    if (!row) return null;
    return { record: recordIn(row), user: (row as unknown as Record<string, unknown>)[relation] ?? null };
  }
}

function foundIn([row]: unknown[][]): FoundSession | null {
  return row ? { record: toRecord(row) } : null;
}
