import type { Duration } from '../options/duration';
import { OptionReader } from '../options/option-reader';
import type { ChannelTerms } from './open-channel';

/** How long sockets and subscriptions stay open. */
export interface ChannelOptions {
  /**
   * How often the row of a session with open sockets is read again, for sessions that other processes end; at least a
   * second. Ends in the same process close its sockets at once. @default '60s'
   */
  recheck?: Duration | undefined;
  /**
   * `token`: until 30 s after the newest token shown on it has expired. `session`: as long as its session lives, for
   * sessions that are not bound to a device. @default 'token'
   */
  lifetime?: 'token' | 'session' | undefined;
}

/** Reads the options of a door, and notes what is wrong with them. */
export function channelTermsOf(options: ChannelOptions, known: readonly string[], problems: string[]): ChannelTerms {
  const reader = new OptionReader(problems, { '': ['recheck', 'lifetime', ...known] }, []);
  reader.section('', options);
  return {
    recheck: reader.duration('recheck', options.recheck, '60s', 'a second'),
    lifetime: reader.choice('lifetime', options.lifetime, ['token', 'session'] as const, 'token'),
  };
}

/** Of what has no options of its own. */
export const USUAL_TERMS: ChannelTerms = { recheck: 60_000, lifetime: 'token' };
