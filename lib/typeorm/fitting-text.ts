import type { SessionRecord } from '../contracts/session';
import { isUnfitValue } from './driver-errors';

/** What clients say of themselves: for a login it is better to lose some of it than to fail. */
const DESCRIPTIVE = ['userAgent', 'ipAddress', 'deviceName', 'lastUserAgent', 'lastIpAddress'] as const;

/**
 * Writes values; where the character set of a column lacks a character of a text, they are written again with `?` for
 * every character beyond ASCII.
 */
export async function writeFitting<Values extends Partial<SessionRecord>, Result>(
  values: Values,
  write: (values: Values) => Promise<Result>,
): Promise<Result> {
  try {
    return await write(values);
  } catch (error) {
    if (!isUnfitValue(error)) throw error;
    return write({ ...values, ...plainTexts(values) });
  }
}

function plainTexts(values: Partial<SessionRecord>): Partial<SessionRecord> {
  const texts = DESCRIPTIVE.map((name) => [name, values[name]] as const);
  const given = texts.filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(given.map(([name, text]) => [name, text!.replace(/[^\x20-\x7e]/gu, '?')]));
}
