import type { Connection } from '../guard/connections';
import type { ChannelTerms } from '../sessions/open-channel';

/** What the doors of both kinds of sockets are made with. */
export interface DoorSettings {
  readonly terms: ChannelTerms;
  /** The parameter of the query in which a token may come. */
  readonly query: string | undefined;
}

/** Until when a connection stays open, in ISO 8601; null where it does as long as its session. */
export function untilText({ until }: Connection): string | null {
  return until === Infinity ? null : new Date(until).toISOString();
}
