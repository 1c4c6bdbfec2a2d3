import { hash } from 'node:crypto';

/** SHA-256: to recognise a text, or bytes, by without keeping it. */
export function textDigest(text: string | Buffer, encoding: 'base64url' | 'hex' = 'base64url'): string {
  return hash('sha256', text, encoding);
}
