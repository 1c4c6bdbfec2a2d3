import type { ColumnOptions, Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import { canHoldUserId, jsonText, stringTransformer, wholeNumber } from './columns';
import { isUnfitValue } from './driver-errors';
import type { JwtKnoxSessionBase } from './session.entity';
import { COLUMNS, type RawRecord, recordIn } from './session-row';

const OWN_TRANSFORMERS: readonly unknown[] = [undefined, wholeNumber, stringTransformer, jsonText];
/** Types that give back every text as it was written. */
const TEXT_TYPES = ['varchar', 'character varying', 'text', 'nvarchar', 'longtext', 'mediumtext'];

type Column = NonNullable<ReturnType<Repository<JwtKnoxSessionBase>['metadata']['findColumnWithPropertyName']>>;

/** Whether a column has a transformer that is not the library's. */
export function hasHostTransformer({ transformer }: Pick<ColumnOptions, 'transformer'>): boolean {
  return !OWN_TRANSFORMERS.includes(transformer);
}

/** What a host's entity makes of the session's columns: transformers, and a type of its own for user ids. */
export class StoredColumns {
  private readonly transformed: readonly Column[];
  private readonly userId: Column | undefined;
  /** Whether every user id comes back as it was written. */
  readonly keepsUserIds: boolean;

  constructor(private readonly rows: Repository<JwtKnoxSessionBase>) {
    const columns = COLUMNS.map((name) => rows.metadata.findColumnWithPropertyName(name));
    this.transformed = columns.filter((column) => column !== undefined).filter(hasHostTransformer);
    this.userId = columns[COLUMNS.indexOf('userId')];
    const type = this.userId && this.driver.normalizeType(this.userId);
    this.keepsUserIds = TEXT_TYPES.includes(String(type)) && !this.transformsUserIds;
  }

  /** Whether what a driver gives is not what the record holds. */
  get areTransformed(): boolean {
    return this.transformed.length > 0;
  }

  /** The session in a row as the driver gives it. */
  record(raw: RawRecord): SessionRecord {
    if (!this.areTransformed) return recordIn(raw);
    const read = this.transformed.map((column) => [
      column.propertyName,
      this.driver.prepareHydratedValue(raw[column.propertyName as keyof RawRecord], column) as unknown,
    ]);
    return recordIn({ ...raw, ...Object.fromEntries(read) });
  }

  /** The user's id in a value as the driver gives it. */
  userIdIn(raw: unknown): string {
    return String(this.transformsUserIds ? this.driver.prepareHydratedValue(raw, this.userId!) : raw);
  }

  /** A user's id as a parameter of a statement. */
  parameterOf(userId: string): unknown {
    return this.transformsUserIds ? this.driver.preparePersistentValue(userId, this.userId!) : userId;
  }

  /** What the column cannot hold belongs to nobody. */
  async ofUser<T>(userId: string, none: T, work: () => Promise<T>): Promise<T> {
    if (!this.mayHold(userId)) return none;
    try {
      return await work();
    } catch (error) {
      if (isUnfitValue(error)) return none;
      throw error;
    }
  }

  /** Whether the column can hold this id, as far as its type tells. What it cannot hold belongs to nobody. */
  mayHold(userId: string): boolean {
    const { type } = this.rows.manager.connection.options;
    let stored: unknown;
    try {
      stored = this.parameterOf(userId);
    } catch {
      return false;
    }
    if (typeof stored !== 'string') return stored !== null && stored !== undefined;
    const longest = this.keepsUserIds ? Number(this.userId?.length) || Infinity : Infinity;
    return canHoldUserId(type, this.userId?.type, stored) && Array.from(stored).length <= longest;
  }

  private get driver() {
    return this.rows.manager.connection.driver;
  }

  private get transformsUserIds(): boolean {
    return this.userId !== undefined && hasHostTransformer(this.userId);
  }
}
