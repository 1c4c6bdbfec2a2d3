import { createHmac, hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import type { SessionRecord } from '../contracts/session';

const BYTES = 32;

/** 32 bytes in canonical base64url: 43 characters, the two unused bits zero. */
const ENCODED = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** SHA-256 in lowercase hex. */
const DIGEST = /^[0-9a-f]{64}$/;

/** Whether a value is a token key as {@link TokenKey.encode} writes it. */
export function isEncodedTokenKey(value: unknown): value is string {
  return typeof value === 'string' && ENCODED.test(value);
}

/** 256 secret bits. Leaves the process only inside a signed token; the database holds its digest. Hides in logs. */
export class TokenKey {
  readonly #bytes: Buffer;
  #digest: Buffer | undefined;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** A new random key from the CSPRNG. */
  static generate(): TokenKey {
    return new TokenKey(randomBytes(BYTES));
  }

  /** The key in a claim that {@link isEncodedTokenKey} has accepted. */
  static decode(encoded: string): TokenKey {
    return new TokenKey(Buffer.from(encoded, 'base64url'));
  }

  /** base64url, for the claim. */
  encode(): string {
    return this.#bytes.toString('base64url');
  }

  /** SHA-256 in lowercase hex, for the row. */
  digest(): string {
    return hash('sha256', this.#bytes);
  }

  /** Whether a row's digest is this key's, compared in constant time. */
  matches(digest: string | null): boolean {
    if (digest === null || !DIGEST.test(digest)) return false;
    // Kept, since the key of a token that a cache knows is compared with each request.
    this.#digest ??= hash('sha256', this.#bytes, 'buffer');
    return timingSafeEqual(this.#digest, Buffer.from(digest, 'hex'));
  }

  /**
   * The access token's key of the session whose session key this is, as its row says. The salt is in the row alone: a
   * refresh token that was used up does not lead to it. Without one: a key of 0.1.
   */
  accessKey({ accessKeyIndex, accessSalt }: Pick<SessionRecord, 'accessKeyIndex' | 'accessSalt'>): TokenKey {
    const hmac = createHmac('sha256', this.#bytes).update('access');
    if (accessSalt !== null) hmac.update(String(accessKeyIndex)).update(Buffer.from(accessSalt, 'hex'));
    return new TokenKey(hmac.digest());
  }

  /** The refresh key that follows this one. Who knows this key and the row's salt finds the same successor again. */
  successor(salt: string): TokenKey {
    return new TokenKey(createHmac('sha256', this.#bytes).update('refresh').update(Buffer.from(salt, 'hex')).digest());
  }

  toJSON(): string {
    return '[TokenKey]';
  }

  toString(): string {
    return '[TokenKey]';
  }

  [inspect.custom](): string {
    return '[TokenKey]';
  }
}

/** A fresh salt for {@link TokenKey.successor}: 32 random bytes in lowercase hex. */
export function generateSalt(): string {
  return randomBytes(BYTES).toString('hex');
}

/** A new public id: a random UUID. */
export function generateId(): string {
  return randomUUID();
}

/** SHA-256, in lowercase hex or base64url: to recognise a text, or bytes, without keeping it. */
export function sha256(text: string | Buffer, encoding: 'hex' | 'base64url' = 'hex'): string {
  return hash('sha256', text, encoding);
}
