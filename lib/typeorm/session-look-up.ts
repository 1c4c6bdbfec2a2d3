import type { Repository } from 'typeorm';
import type { FoundSession } from '../contracts/session.repository';
import { UserIdColumn } from './user-id-column';
import type { JwtKnoxSessionBase } from './session.entity';
import type { Connections } from './connections';
import type { KeptStatements } from './kept-statements';
import { PreparedRead } from './prepared-read';
import {
  COLUMNS,
  PACKED_COLUMNS,
  recordIn,
  selectColumns,
  selectPacked,
  toRecord,
  unpackedRecord,
} from './session-row';

/** Stands in the statement for the id that is looked up. */
const ID_PLACE = 'jwt-knox:id';

/** The place of the user's id among the columns, packed or not. */
const USER_ID = COLUMNS.indexOf('userId');

/** Finds one session by its id; with its user in the same query, where a relation says who that is. */
export class SessionLookUp {
  private read: PreparedRead | undefined;
  private readonly isPacked: boolean;
  private userIds: UserIdColumn | undefined;
  private order: readonly number[] = [];
  /** The values of the statement but the id: those by which TypeORM knows an entity that shares its table. */
  private parameters: readonly unknown[] = [];

  constructor(
    private readonly rows: Repository<JwtKnoxSessionBase>,
    private readonly connections: Connections,
    private readonly reads: { readonly userRelation: string | undefined; readonly kept: KeptStatements },
  ) {
    this.isPacked = rows.manager.connection.options.type === 'postgres';
  }

  find(id: string): Promise<FoundSession | null> {
    const { userRelation } = this.reads;
    return userRelation === undefined ? this.findRow(id) : this.findWithUser(id, userRelation);
  }

  private async findRow(id: string): Promise<FoundSession | null> {
    this.read ??= this.prepare();
    const [row] = await this.read.rows(this.parameters.map((value) => (value === ID_PLACE ? id : value)));
    if (!row) return null;
    const values = this.order.map((index) => row[index]);
    if (this.userIds) values[USER_ID] = this.userIds.read(values[USER_ID]);
    return { record: this.isPacked ? unpackedRecord(values) : toRecord(values) };
  }

  /** Building SQL costs more than running it. */
  private prepare(): PreparedRead {
    const userIds = new UserIdColumn(this.rows);
    if (userIds.isTransformed) this.userIds = userIds;
    const all = this.rows.createQueryBuilder('session').select([]);
    const select = (this.isPacked ? selectPacked(all) : selectColumns(all)).where('session.id = :id', { id: ID_PLACE });
    const [sql, parameters] = select.getQueryAndParameters();
    this.parameters = parameters;
    this.order = orderIn(sql, this.isPacked ? PACKED_COLUMNS : COLUMNS);
    return new PreparedRead(this.connections, sql, this.reads.kept);
  }

  private async findWithUser(id: string, relation: string): Promise<FoundSession | null> {
    const row = await this.connections.lend((runner) =>
      this.rows
        .createQueryBuilder('session')
        // Which the host may read only on demand (`select: false`).
        .addSelect('session.userId')
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
