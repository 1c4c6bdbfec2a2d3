import { JwtKnoxError } from '../contracts/errors';
import type { ChannelEnd } from '../sessions/open-channel';

/** With what a socket is closed: a close code (RFC 6455 section 7.4.2), a stable code of text, and a sentence. */
export interface SocketEnd {
  readonly closeCode: number;
  /** A code of the library, or why the socket was closed. */
  readonly code: string;
  readonly message: string;
}

const ENDS: Record<ChannelEnd, SocketEnd> = {
  session_ended: { closeCode: 4403, code: 'session_ended', message: 'The session has ended.' },
  token_expired: { closeCode: 4401, code: 'token_expired', message: 'The access token has expired.' },
};

export const endOf = (end: ChannelEnd): SocketEnd => ENDS[end];

/** What a client learns that was not let in. What is no error of the library's stays with the server. */
export function refusalOf(error: unknown): SocketEnd {
  if (!(error instanceof JwtKnoxError)) return { closeCode: 1011, code: 'internal_error', message: 'Internal error.' };
  const { status, code, message } = error;
  // RFC 6455's registry: 1013 is "try again later".
  return { closeCode: status === 503 ? 1013 : 4_000 + status, code, message };
}
