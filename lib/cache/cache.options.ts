import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { FeatureSettings } from '../contracts/feature';
import { RevocationFeed } from '../contracts/revocation-feed';
import { UserProvider } from '../contracts/user-provider';
import { type Duration, millisecondsOf } from '../options/duration';

/** What `leaseCache` keeps, and what it rests on. */
export interface LeaseCacheOptions {
  /** How instances tell each other of ends: `postgresFeed()`, `redisFeed(…)`, `localFeed()`, or your own. */
  feed: RevocationFeed;
  /** Most sessions, tokens and users that are kept, of each; the least recently used go first. @default 10000 */
  maxEntries?: number | undefined;
  /** How long a row answers before it is read again. @default '60s' */
  maxAge?: Duration | undefined;
  /** False: nothing is kept, and ends are announced and waited for: the first step of a roll-out. @default true */
  keep?: boolean | undefined;
  /**
   * Whether users are kept too, as `UserProvider.snapshot` returns them. `true`: the database announces their changes, by
   * the migration `announceUserChanges`; `{ announcedBy: 'application' }`: your code calls `TokenService.userChanged`
   * whenever something changes that `snapshot`, `isActive`, `isAdmin` or `validSince` read. @default false
   */
  users?: boolean | { announcedBy: 'application' } | undefined;
  /** `cluster`: listeners of `session.revoked` hear of ends in other processes too. @default 'process' */
  events?: 'process' | 'cluster' | undefined;
}

export interface ResolvedCacheOptions {
  readonly feed: RevocationFeed;
  readonly maxEntries: number;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly keeps: boolean;
  readonly keepsUsers: boolean;
  /** Whether the database is to announce changes of users. */
  readonly announcesUsers: boolean;
  readonly events: 'process' | 'cluster';
}

const KNOWN = ['feed', 'maxEntries', 'maxAge', 'keep', 'users', 'events'];
const MOST_ENTRIES = 10_000_000;
const MOST_AGE_MS = 3_600_000;

/** @throws JwtKnoxConfigurationError with all that is wrong */
export function resolveCacheOptions(given: LeaseCacheOptions): ResolvedCacheOptions {
  const {
    feed,
    maxEntries = 10_000,
    maxAge = '60s',
    keep = true,
    users = false,
    events = 'process',
  } = Object(given) as LeaseCacheOptions;
  const age = millisecondsOf(maxAge);
  const problems = Object.keys(Object(given) as object)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `${name}: no such option; known are ${KNOWN.join(', ')}.`);
  const check = (isRight: boolean, problem: string) => void (isRight || problems.push(problem));
  check(feed instanceof RevocationFeed, 'feed: must be a feed, such as postgresFeed(); set it.');
  check(
    Number.isInteger(maxEntries) && maxEntries >= 1 && maxEntries <= MOST_ENTRIES,
    `maxEntries: must be a whole number from 1 to ${MOST_ENTRIES}.`,
  );
  check(!!age && age >= 1_000 && age <= MOST_AGE_MS, "maxAge: must be a duration from '1s' to '1h', such as '60s'.");
  check(typeof keep === 'boolean', 'keep: must be true or false.');
  check(
    typeof users === 'boolean' || (Object(users) as { announcedBy?: unknown }).announcedBy === 'application',
    "users: must be true, false or { announcedBy: 'application' }.",
  );
  check(keep || !users, 'users: nothing is kept with keep: false; leave users out.');
  check(events === 'process' || events === 'cluster', "events: must be 'process' or 'cluster'.");
  if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'leaseCache');
  const announcesUsers = users === true;
  return { feed, maxEntries, maxAge: age!, keeps: keep, keepsUsers: users !== false, announcesUsers, events };
}

/** What the module lacks. */
export function moduleProblems({ keepsUsers }: ResolvedCacheOptions, { userProvider }: FeatureSettings): string[] {
  if (!keepsUsers) return [];
  if (!userProvider) return ['leaseCache: users: has no effect without a userProvider; leave users out.'];
  const { snapshot } = userProvider.prototype as UserProvider;
  if (snapshot !== UserProvider.prototype.snapshot) return [];
  return [
    `leaseCache: users: ${userProvider.name} must have a method snapshot(user) that returns what of a user may be kept, as a plain object.`,
  ];
}

/** What the cache does, for the log. */
export function descriptionOf({ feed, keeps, maxEntries, maxAge }: ResolvedCacheOptions, keepsUsers: boolean): string {
  const what = keepsUsers ? 'sessions and users' : 'sessions';
  const kept = keeps
    ? `Up to ${maxEntries} ${what} answer from memory, ${maxAge / 1_000} s at most`
    : 'Nothing is kept in memory';
  const wait = feed.isLocal ? 'An end counts at once.' : 'An end is acknowledged 125 ms after it.';
  return `${kept}; ends are announced ${feed.description}. ${wait}`;
}
