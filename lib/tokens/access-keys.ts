import type { SessionRecord } from '../contracts/session';
import type { AccessKeyChange } from '../contracts/session.repository';
import { generateSalt, type TokenKey } from '../crypto/token-key';

/** The key that the access tokens of a session carry, and what the row notes of it. */
export interface AccessKey {
  key: TokenKey;
  change: AccessKeyChange;
}

/** A new access key of the session whose session key this is; `record` is the row with the key before it, if any. */
export function nextAccessKey(
  session: TokenKey,
  now: number,
  record?: Pick<SessionRecord, 'accessDigest' | 'accessKeyIndex'>,
): AccessKey {
  const salted = { accessSalt: generateSalt(), accessKeyIndex: record ? (record.accessKeyIndex ?? 0) + 1 : 0 };
  const key = session.accessKey(salted);
  const change = { ...salted, accessDigest: key.digest(), previousAccessDigest: record?.accessDigest ?? null };
  return { key, change: { ...change, accessKeyAt: now } };
}

/**
 * Whether the access key is to change with the next access token. Each key counts for the lifetime of the tokens that
 * carry it, so after twice the period no token of the present one can be alive.
 * @param period milliseconds; null where access keys do not change
 */
export function isAccessKeyDue(
  { accessKeyAt }: Pick<SessionRecord, 'accessKeyAt'>,
  now: number,
  period: number | null,
): boolean {
  return period !== null && (accessKeyAt === null || now >= accessKeyAt + period);
}

/** Whether a token key is one of the row's two access keys, and one that a living token can carry. */
export function holdsAccessKey(record: SessionRecord, key: TokenKey, now: number, period: number | null): boolean {
  // Both, always: which of the two it is takes no time to tell.
  const isPresent = key.matches(record.accessDigest);
  const isPrevious = key.matches(record.previousAccessDigest);
  const isOver = period !== null && record.accessKeyAt !== null && now > record.accessKeyAt + 2 * period;
  return (isPresent || isPrevious) && !isOver;
}
