import { type AddressDetail, addressOf } from './address';
import { SESSION_FIELDS } from './session';
import type { ShownProof } from './shown-proof';

/** Who presents a token: what is known of the request that carries it. */
export interface Presenter {
  userAgent?: string | null | undefined;
  /** As the framework trusts it (`request.ip`), never read from a header by the library. */
  ip?: string | null | undefined;
  /** What the request shows to prove that it comes from the session's device; undefined for nothing. */
  proof?: ShownProof | undefined;
}

/** The device of a login. */
export interface Device extends Presenter {
  /** A name the user gave the device, e.g. "Work laptop". */
  deviceName?: string | null | undefined;
}

/** A presenter as rows and events show it: cleaned, and of its address as much as is kept. */
export function cleanPresenter(
  presenter: Presenter,
  detail: AddressDetail,
): { userAgent: string | null; ip: string | null } {
  return {
    userAgent: cleanText(presenter.userAgent, TEXT_LIMITS.userAgent),
    ip: cleanText(addressOf(presenter.ip, detail), TEXT_LIMITS.ipAddress),
  };
}

/** Whether two user-agents are one program on one system: version numbers, which updates change, aside. */
export function isSameDevice(one: string | null, other: string | null): boolean {
  const plain = (userAgent: string | null) => userAgent?.replace(/\d+(?:[._]\d+)*/g, '');
  return plain(one) === plain(other);
}

/** Longest text, in code points, that each descriptive column holds. */
export const TEXT_LIMITS = {
  userId: SESSION_FIELDS.userId.length,
  userAgent: SESSION_FIELDS.userAgent.length,
  ipAddress: SESSION_FIELDS.ipAddress.length,
  deviceName: SESSION_FIELDS.deviceName.length,
} as const;

// Control characters, lone surrogates, line separators and the bidi controls that can reorder what a person reads.
const UNSHOWABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Cleans a client's own description of itself and cuts it, by code point, to what its column holds. */
export function cleanText(text: string | null | undefined, limit: number): string | null {
  if (typeof text !== 'string') return null;
  // Sliced first, so that the cost of cleaning is bounded whatever was sent.
  const clean = text
    .slice(0, limit * 4)
    .replace(UNSHOWABLE, '')
    .trimStart();
  const points = (clean.length > limit ? Array.from(clean).slice(0, limit).join('') : clean).trimEnd();
  return points === '' ? null : points;
}
