import type { Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import { isUnfitValue } from './driver-errors';
import type { JwtKnoxSessionBase } from './session.entity';

/** What clients say of themselves: for a login it is better to lose some of it than to fail. */
const DESCRIPTIVE = ['userAgent', 'ipAddress', 'deviceName', 'lastUserAgent', 'lastIpAddress'] as const;

/**
 * Writes values; where a column cannot hold a text, because its character set lacks a character or because it is shorter
 * than the library's, it is written again with `?` for every character beyond ASCII, and cut.
 */
export async function writeFitting<Values extends Partial<SessionRecord>>(
  rows: Repository<JwtKnoxSessionBase>,
  values: Values,
  write: (values: Values) => Promise<unknown>,
): Promise<void> {
  try {
    await write(values);
  } catch (error) {
    if (!isUnfitValue(error)) throw error;
    await write({ ...values, ...plainTexts(rows, values) });
  }
}

function plainTexts(rows: Repository<JwtKnoxSessionBase>, values: Partial<SessionRecord>): Partial<SessionRecord> {
  const plain: Partial<SessionRecord> = {};
  for (const name of DESCRIPTIVE) {
    const text = values[name];
    if (typeof text !== 'string') continue;
    const length = Number(rows.metadata.findColumnWithPropertyName(name)?.length) || undefined;
    plain[name] = text.replace(/[^\x20-\x7e]/gu, '?').slice(0, length);
  }
  return plain;
}
