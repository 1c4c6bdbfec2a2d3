import type { SessionRecord } from '../contracts/session';
import type { AccessKeyChange, AccessKeyState } from '../contracts/session.repository';
import { generateSalt, type TokenKey } from '../tokens/token-key';

/** The key that the access tokens of a session carry, and what the row notes of it. */
export interface AccessKey<State extends AccessKeyState> {
  key: TokenKey;
  change: State;
}

/** The first access key of a session, or of its new session key: no key before it counts. */
export function firstAccessKey(
  session: TokenKey,
  now: number,
): AccessKey<AccessKeyState & { previousAccessDigest: null }> {
  const salted = { accessSalt: generateSalt(), accessKeyIndex: 0 };
  const key = session.accessKey(salted);
  return { key, change: { ...salted, accessDigest: key.digest(), previousAccessDigest: null, accessKeyAt: now } };
}

/**
 * The access key after that of the row. The one before goes on counting, unless no token that carries it can be alive.
 * @param period milliseconds, see {@link isAccessKeyDue}
 */
export function nextAccessKey(
  session: TokenKey,
  now: number,
  record: Pick<SessionRecord, 'accessDigest' | 'accessKeyAt' | 'accessKeyIndex'>,
  period: number,
): AccessKey<AccessKeyChange> {
  const { accessDigest: replaces, accessKeyAt, accessKeyIndex } = record;
  const salted = { accessSalt: generateSalt(), accessKeyIndex: (accessKeyIndex ?? 0) + 1 };
  const key = session.accessKey(salted);
  const previousAccessDigest = accessKeyAt !== null && now > accessKeyAt + 2 * period ? null : replaces;
  return { key, change: { ...salted, replaces, accessDigest: key.digest(), previousAccessDigest, accessKeyAt: now } };
}

/**
 * Whether the access key is to change with the next access token. Each key counts for the lifetime of the tokens that
 * carry it, so after twice the period no token of the present one can be alive.
 * @param period milliseconds
 */
export function isAccessKeyDue(
  { accessKeyAt }: Pick<SessionRecord, 'accessKeyAt'>,
  now: number,
  period: number,
): boolean {
  return accessKeyAt === null || now >= accessKeyAt + period;
}

/** Whether a token key is one of the row's two access keys, and one that a living token can carry. */
export function holdsAccessKey(record: SessionRecord, key: TokenKey, now: number, period: number | null): boolean {
  // Both, always: which of the two it is takes no time to tell.
  const isPresent = key.matches(record.accessDigest);
  const isPrevious = key.matches(record.previousAccessDigest);
  if (period === null || record.accessKeyAt === null) return isPresent || isPrevious;
  // The last token with the previous key was made before the present one counted, the last with the present one less than
  // a period after that.
  const age = now - record.accessKeyAt;
  return (isPresent && age <= 2 * period) || (isPrevious && age <= period);
}
