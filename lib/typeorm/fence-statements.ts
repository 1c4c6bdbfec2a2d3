import type { Connections } from './connections';
import { dialectOf } from './dialect';
import { JwtKnoxFence } from './fence.entity';
import type { KeptStatements } from './kept-statements';
import { PreparedRead } from './prepared-read';
import { retrying, retryingOn } from './retrying';

/** The row of the counter. */
const COUNTER = '#';

/**
 * Reads and raises fences. A raise commits by itself, on a connection of its own: in a transaction of the host others would
 * see it too late. Reads are made there only where that is safe: the counter, and a look once the host has committed.
 */
export class FenceStatements {
  private readonly counter: PreparedRead;
  private readonly look: PreparedRead;
  private readonly increment: string;
  private readonly raiseTo: string;

  constructor(
    private readonly connections: Connections,
    kept: KeptStatements,
  ) {
    const { source } = connections;
    const { driver } = source;
    const table = source
      .getMetadata(JwtKnoxFence)
      .tablePath.split('.')
      .map((part) => driver.escape(part))
      .join('.');
    const [scope, value] = [driver.escape('scope'), driver.escape('value')];
    const place = (index: number) => driver.createParameter(`p${index}`, index);
    const counter = `SELECT ${value} FROM ${table} WHERE ${scope} = ${place(0)}`;
    this.counter = new PreparedRead(connections, counter, kept);
    const look = `SELECT 1 AS found FROM ${table} WHERE ${scope} IN (${place(0)}, ${place(1)}) AND ${value} > ${place(2)}`;
    this.look = new PreparedRead(connections, look, kept);
    const insert = `INSERT INTO ${table} (${scope}, ${value}) VALUES (${place(0)}, ${place(1)})`;
    const dialect = dialectOf(driver.options);
    const isMysql = dialect === 'mysql';
    const conflict = isMysql ? 'ON DUPLICATE KEY UPDATE' : `ON CONFLICT (${scope}) DO UPDATE SET`;
    const greatest = dialect === 'sqlite' ? 'MAX' : 'GREATEST';
    const given = isMysql ? `VALUES(${value})` : `EXCLUDED.${value}`;
    this.increment = `${insert} ${conflict} ${value} = ${table}.${value} + 1`;
    // The greater one: of two raises at once, the first may write its number last.
    this.raiseTo = `${insert} ${conflict} ${value} = ${greatest}(${table}.${value}, ${given})`;
  }

  readCounter(): Promise<number> {
    const read = async () => {
      const [row] = await this.counter.rows([COUNTER]);
      return Number(row?.[0] ?? 0);
    };
    return retryingOn(this.connections, read, 'read');
  }

  async raise(scope: string, timeout?: number): Promise<void> {
    await this.write(this.increment, [COUNTER, 1], timeout);
    await this.write(this.raiseTo, [scope, await this.readCounter()], timeout);
  }

  isFenced([one, other = one]: readonly string[], counter: number): Promise<boolean> {
    const look = async () => (await this.look.rows([one, other, counter])).length > 0;
    return retryingOn(this.connections, look, 'read');
  }

  private write(sql: string, parameters: unknown[], timeout?: number): Promise<unknown> {
    return retrying(() => this.connections.lendOwn((runner) => runner.query(sql, parameters), timeout));
  }
}
