import type { ColumnOptions, Driver, Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import { canHoldUserId, jsonText, stringTransformer, wholeNumber } from './columns';
import { COLLATED_TYPES, dialectOf, exactText } from './dialect';
import { isUnfitValue } from './driver-errors';
import type { JwtKnoxSessionBase } from './session.entity';
import { type RawRecord, recordIn } from './session-row';

const OWN_TRANSFORMERS: readonly unknown[] = [undefined, wholeNumber, stringTransformer, jsonText];
/** Types of PostgreSQL that pad a text, or take capitals for small letters. */
const LOOSE_TYPES = ['citext', 'character', 'char', 'bpchar'];
/** Types that give back every text as it was written. */
const TEXT_TYPES = ['varchar', 'character varying', 'text', 'nvarchar', 'longtext', 'mediumtext'];

type Column = NonNullable<ReturnType<Repository<JwtKnoxSessionBase>['metadata']['findColumnWithPropertyName']>>;

/** Whether a column has a transformer that is not the library's. */
export function hasHostTransformer({ transformer }: Pick<ColumnOptions, 'transformer'>): boolean {
  return !OWN_TRANSFORMERS.includes(transformer);
}

function comparesLoosely(column: Column, driver: Driver): boolean {
  const type = driver.normalizeType(column);
  if (LOOSE_TYPES.includes(type)) return true;
  const { collation } = column;
  if (dialectOf(driver.options) !== 'mysql') return collation !== undefined;
  return COLLATED_TYPES.includes(type) && collation !== exactText(driver.options, driver.version).collation;
}

/** What a host's entity makes of user ids: the one column of the session that is the host's to declare. */
export class UserIdColumn {
  /** Whether every user id comes back as it was written. */
  readonly keepsText: boolean;
  /** Whether what a driver gives is not what the record holds. */
  readonly isTransformed: boolean;
  /** Whether it takes one text for another, by its collation or type: which of them it holds, only its rows tell. */
  readonly comparesLoosely: boolean;
  private readonly column: Column;

  constructor(private readonly rows: Repository<JwtKnoxSessionBase>) {
    this.column = rows.metadata.findColumnWithPropertyName('userId')!;
    this.isTransformed = hasHostTransformer(this.column);
    this.keepsText = !this.isTransformed && TEXT_TYPES.includes(this.driver.normalizeType(this.column));
    this.comparesLoosely = comparesLoosely(this.column, this.driver);
  }

  /** The session in a row as the driver gives it. */
  record(raw: RawRecord): SessionRecord {
    return recordIn(this.isTransformed ? { ...raw, userId: this.read(raw.userId) } : raw);
  }

  /** The user's id in a value as the driver gives it. */
  read(raw: unknown): string {
    return String(this.isTransformed ? this.driver.prepareHydratedValue(raw, this.column) : raw);
  }

  /** A user's id as a parameter of a statement. */
  parameterOf(userId: string): unknown {
    return this.isTransformed ? this.driver.preparePersistentValue(userId, this.column) : userId;
  }

  /** The text that a row gives back for this id; of what no row can hold, the id itself. */
  spellingOf(userId: string): string {
    if (!this.mayHold(userId)) return userId;
    const stored = this.parameterOf(userId);
    // What a database without this type has for it, keeps capitals.
    const isUuid = this.driver.normalizeType(this.column) === 'uuid';
    return this.read(isUuid ? String(stored).toLowerCase() : stored);
  }

  /** What the column cannot hold belongs to nobody. */
  async ofUser<T>(userId: string, none: T, work: () => Promise<T>): Promise<T> {
    if (!this.mayHold(userId)) return none;
    try {
      return await work();
    } catch (error) {
      if (isUnfitValue(error) && this.mayBeUnfit(userId)) return none;
      throw error;
    }
  }

  /** Whether an error about a value may be about this id: plain text fits every column of text. */
  mayBeUnfit(userId: string): boolean {
    return !(this.keepsText && /^[\x20-\x7e]*$/.test(userId));
  }

  /** Whether the column can hold this id, as far as its type tells. */
  mayHold(userId: string): boolean {
    let stored: unknown;
    try {
      stored = this.parameterOf(userId);
    } catch {
      return false;
    }
    if (typeof stored !== 'string') return stored !== null && stored !== undefined;
    const longest = this.keepsText ? Number(this.column.length) || Infinity : Infinity;
    const { type } = this.rows.manager.connection.options;
    return canHoldUserId(type, this.column.type, stored) && Array.from(stored).length <= longest;
  }

  private get driver() {
    return this.rows.manager.connection.driver;
  }
}
