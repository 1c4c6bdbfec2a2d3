import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { KeyringKey } from './key-loader';
import { Keyring } from './keyring';

/** What a challenge is for. One purpose's is none of another's. */
export type ChallengePurpose = 'dpop' | 'reg' | 'ref';

/** What is asked of a challenge that came back. */
export interface ChallengeUse {
  readonly purpose: ChallengePurpose;
  /** Whose it is, such as the id of a session; '' for anybody's. */
  readonly subject: string;
  /** How long it counts, in milliseconds. */
  readonly ttl: number;
  /** By how much the clock that made it may be ahead, in milliseconds. @default 5000 */
  readonly ahead?: number;
}

const NONCE_BYTES = 9;
const INFO = 'jwt-knox challenge';
/** Time in base 36, nonce, HMAC-SHA-256. */
const FORM = /^([0-9a-z]{1,11})\.([\w-]{12})\.([\w-]{43})$/;
/** A server's clock may be behind that of the one which made a challenge, by so much. Milliseconds. */
const AHEAD = 5_000;

/**
 * Challenges that need no memory: made and recognised by a key that is derived from those of the module, so that every
 * process knows those of the others. A key that signs no more, but is still listed, recognises those it made.
 */
@Injectable()
export class Challenges {
  /** The present one first. */
  readonly #keys: readonly Buffer[];

  constructor(keyring: Keyring) {
    const signing = keyring.all.filter((key) => key.signing);
    this.#keys = signing.map(derivedKeyOf);
  }

  /** A new one. @param now epoch ms */
  make(purpose: ChallengePurpose, subject: string, now: number): string {
    const time = Math.floor(now).toString(36);
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    return `${time}.${nonce}.${mac(this.#keys[0]!, [purpose, subject, time, nonce]).toString('base64url')}`;
  }

  /** When it was made (epoch ms); null for what was not made here, is for something else, or is too old. */
  madeAt(challenge: unknown, { purpose, subject, ttl, ahead = AHEAD }: ChallengeUse, now: number): number | null {
    const [, time, nonce, seal] = (typeof challenge === 'string' && FORM.exec(challenge)) || [];
    if (time === undefined) return null;
    const sealed = Buffer.from(seal!, 'base64url');
    const isOurs = this.#keys.some((key) => timingSafeEqual(mac(key, [purpose, subject, time, nonce!]), sealed));
    const madeAt = Number.parseInt(time, 36);
    return isOurs && madeAt <= now + ahead && now - madeAt <= ttl ? madeAt : null;
  }
}

function derivedKeyOf({ signing }: KeyringKey): Buffer {
  const secret = signing!.type === 'secret' ? signing!.export() : signing!.export({ format: 'der', type: 'pkcs8' });
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), INFO, 32));
}

function mac(key: Buffer, parts: readonly string[]): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest();
}
