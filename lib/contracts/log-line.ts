/**
 * The ids of all lines that the library logs: stable, to search for and to alert on. docs/10-messages.md says of each what it
 * means and what to do.
 */
export type LogId =
  | 'cache-started'
  | 'binding-postponed'
  | 'call-refused'
  | 'clocks-differ'
  | 'close-failed'
  | 'connection-failed'
  | 'cookies-insecure'
  | 'devices-page-stale'
  | 'error-page-failed'
  | 'event-untold'
  | 'feed-connected'
  | 'feed-down'
  | 'guards-before'
  | 'issuer-unavailable'
  | 'listener-failed'
  | 'login-undeleted'
  | 'message-refused'
  | 'on-login-failed'
  | 'purged'
  | 'recheck-failed'
  | 'recheck-unread'
  | 'refresh-token-reused'
  | 'refusal-unnoted'
  | 'rights-unchecked'
  | 'session-unreinstated'
  | 'sessions-unreadable'
  | 'several-global-guards'
  | 'several-global-modules'
  | 'statements-unprepared'
  | 'storage-unavailable'
  | 'storage-unfit'
  | 'stream-connected'
  | 'stream-down'
  | 'token-refused'
  | 'use-unnoted'
  | 'well-known-moved';

/** A line for a log: all loggers of the library write nothing else. */
export type LogLine = `[jwt-knox:${LogId}] ${string}`;

/** What an error says, where it is one: anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}

export function line(id: LogId, text: string): LogLine {
  return `[jwt-knox:${id}] ${text}`;
}
