import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: object,
) => Promise<Buffer>;

/** A low cost: tests hash thousands of passwords. */
const COST = 1_024;

/** Salt and scrypt hash, in hex. @param cost the `N` of scrypt */
export async function hashPassword(password: string, cost = COST, salt = randomBytes(16)): Promise<string> {
  return `${salt.toString('hex')}:${(await derive(password, salt, 32, { N: cost })).toString('hex')}`;
}

export async function verifyPassword(password: string, hash: string, cost = COST): Promise<boolean> {
  const [salt, key] = hash.split(':').map((part) => Buffer.from(part, 'hex'));
  return timingSafeEqual(await derive(password, salt!, 32, { N: cost }), key!);
}
