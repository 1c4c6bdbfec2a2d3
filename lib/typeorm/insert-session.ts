import { UnstorableUserIdError } from '../contracts/user-id-error';
import type { SessionRecord } from '../contracts/session';
import { isUnfitValue } from './driver-errors';
import { writeFitting } from './fitting-text';
import type { UserIdColumn } from './user-id-column';
import { unlessTaken } from './retrying';

const NO_ROOM = 'the column userId cannot hold it';

/** How a row is written, and read back. */
export interface RowAccess {
  /** Whether it has columns of the host's own too, whose values may be at fault. */
  hasHostColumns: boolean;
  insert(record: SessionRecord): Promise<unknown>;
  /** What an error of the insert is to say. */
  failure(error: unknown): unknown;
  /** The user's id as the row gives it back; undefined without a row. */
  userIdOf(id: string): Promise<string | undefined>;
  /** The same of another session of the user; undefined without one. */
  otherUserId(): Promise<string | undefined>;
  delete(id: string): Promise<unknown>;
}

/**
 * Adds a row that its user is found by. False when the slot is taken.
 * @throws UnstorableUserIdError when the column of user ids gives another text back, has another one, or cannot hold it
 * @throws what `row.failure` makes of any other error
 */
export async function insertSession(record: SessionRecord, userIds: UserIdColumn, row: RowAccess): Promise<boolean> {
  const { id, userId, slot } = record;
  if (!userIds.mayHold(userId)) throw new UnstorableUserIdError(NO_ROOM);
  const write = () => writeFitting(record, (values) => row.insert(values)).then(() => true);
  try {
    if (!(await (slot === null ? write() : unlessTaken(write)))) return false;
  } catch (error) {
    const isUserId = !row.hasHostColumns && userIds.mayBeUnfit(userId);
    throw isUserId && isUnfitValue(error) ? new UnstorableUserIdError(NO_ROOM) : row.failure(error);
  }
  const kept = userIds.keepsText ? userId : await row.userIdOf(id);
  if (kept !== undefined && kept !== userId) return refuse(row, id, 'the column userId gives it back as another text');
  // By one of two spellings nobody would be told of what ends by the other.
  const other = userIds.comparesLoosely ? await row.otherUserId() : undefined;
  if (other !== undefined && other !== userId) return refuse(row, id, 'sessions of the user spell it otherwise');
  return true;
}

async function refuse(row: RowAccess, id: string, why: string): Promise<never> {
  await row.delete(id);
  throw new UnstorableUserIdError(why);
}
