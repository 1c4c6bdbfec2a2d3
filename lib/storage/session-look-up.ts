import type { Repository } from 'typeorm';
import type { FoundSession } from '../contracts/session.repository';
import type { KnoxSessionBase } from './knox-session.entity';
import { onPrimary } from './on-primary';
import { PreparedRead } from './prepared-read';
import { recordIn, selectColumns, selectPacked, toRecord, unpackedRecord } from './session-row';

/** Finds one session by its id; with its user in the same query, where a relation says who that is. */
export class SessionLookUp {
  private read: PreparedRead | undefined;
  private readonly isPacked: boolean;

  constructor(
    private readonly rows: Repository<KnoxSessionBase>,
    private readonly userRelation: string | undefined,
    private readonly prepared: boolean,
  ) {
    this.isPacked = rows.manager.connection.options.type === 'postgres';
  }

  find(id: string): Promise<FoundSession | null> {
    return this.userRelation === undefined ? this.findRow(id) : this.findWithUser(id, this.userRelation);
  }

  private async findRow(id: string): Promise<FoundSession | null> {
    this.read ??= this.prepare();
    const [row] = await this.read.rows([id]);
    return row ? { record: this.isPacked ? unpackedRecord(row) : toRecord(row) } : null;
  }

  /** Building SQL costs more than running it. */
  private prepare(): PreparedRead {
    const all = this.rows.createQueryBuilder('session').select([]);
    const select = (this.isPacked ? selectPacked(all) : selectColumns(all)).where('session.id = :id', { id: '' });
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
