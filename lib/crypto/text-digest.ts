import { createHash } from 'node:crypto';

/** SHA-256 in base64url: to recognise a text by, without keeping it. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
