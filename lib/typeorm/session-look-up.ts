import type { Repository } from 'typeorm';
import type { FoundSession } from '../contracts/session.repository';
import { StoredColumns } from './stored-columns';
import type { JwtKnoxSessionBase } from './session.entity';
import { onConnectionOf } from './on-primary';
import { PreparedRead } from './prepared-read';
import {
  COLUMNS,
  PACKED_COLUMNS,
  type RawRecord,
  recordIn,
  selectColumns,
  selectPacked,
  toRecord,
  unpackedRecord,
} from './session-row';

/** Finds one session by its id; with its user in the same query, where a relation says who that is. */
export class SessionLookUp {
  private read: PreparedRead | undefined;
  private isPacked = false;
  private columns: StoredColumns | undefined;
  private order: readonly number[] = [];

  constructor(
    private readonly rows: Repository<JwtKnoxSessionBase>,
    private readonly userRelation: string | undefined,
    private readonly prepared: boolean,
  ) {}

  find(id: string): Promise<FoundSession | null> {
    return this.userRelation === undefined ? this.findRow(id) : this.findWithUser(id, this.userRelation);
  }

  private async findRow(id: string): Promise<FoundSession | null> {
    this.read ??= this.prepare();
    const [row] = await this.read.rows([id]);
    if (!row) return null;
    const values = this.order.map((index) => row[index]);
    if (this.isPacked) return { record: unpackedRecord(values) };
    if (!this.columns) return { record: toRecord(values) };
    const raw = Object.fromEntries(COLUMNS.map((name, index) => [name, values[index]])) as RawRecord;
    return { record: this.columns.record(raw) };
  }

  /** Building SQL costs more than running it. */
  private prepare(): PreparedRead {
    const columns = new StoredColumns(this.rows);
    // Not with transformers of the host's: JSON would show them other values than the driver.
    this.isPacked = this.rows.manager.connection.options.type === 'postgres' && !columns.areTransformed;
    if (columns.areTransformed) this.columns = columns;
    const all = this.rows.createQueryBuilder('session').select([]);
    const select = (this.isPacked ? selectPacked(all) : selectColumns(all)).where('session.id = :id', { id: '' });
    const [sql] = select.getQueryAndParameters();
    this.order = orderIn(sql, this.isPacked ? PACKED_COLUMNS : COLUMNS);
    const { connection, queryRunner } = this.rows.manager;
    return new PreparedRead(connection, sql, this.prepared, queryRunner);
  }

  private async findWithUser(id: string, relation: string): Promise<FoundSession | null> {
    const { manager, metadata } = this.rows;
    // What the host reads only on demand (`select: false`), a verdict needs.
    const hidden = COLUMNS.filter((name) => metadata.findColumnWithPropertyName(name)?.isSelect === false);
    const row = await onConnectionOf(manager, (runner) =>
      this.rows
        .createQueryBuilder('session')
        .addSelect(hidden.map((name) => `session.${name}`))
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

/** Where a statement has each of these columns: TypeORM has an order of its own, which differs between its versions. */
function orderIn(sql: string, names: readonly string[]): number[] {
  const selected = sql.slice(0, sql.indexOf(' FROM '));
  const aliases = [...selected.matchAll(/ AS ["`](\w+)["`]/g)].map(([, alias]) => alias);
  return names.map((name) => aliases.indexOf(name));
}
