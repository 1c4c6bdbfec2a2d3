import { JwtKnoxConfigurationError } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import type { JwtKnoxFeature } from '../contracts/feature';
import type { FeedSetting } from '../contracts/revocation-feed';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { SessionCache } from '../sessions/session-cache';
import {
  type LeaseCacheOptions,
  moduleProblems,
  resolveCacheOptions,
  type ResolvedCacheOptions,
} from './cache.options';
import { LEASE_MS } from './feed-lease';
import { LeaseCache } from './lease-cache';
import { LeasedSessionRepository } from './leased-session.repository';

/**
 * Answers requests from memory, and still refuses a session everywhere from the moment its end is acknowledged. For the extra
 * `features`. Needs the package `lru-cache`.
 * @throws JwtKnoxConfigurationError for options that are wrong, and where what it rests on cannot hold
 * @example
 * JwtKnoxModule.forRoot({ secret, userProvider: KnoxUsers, features: [leaseCache({ feed: postgresFeed() })] });
 */
export function leaseCache(given: LeaseCacheOptions): JwtKnoxFeature {
  const options = resolveCacheOptions(given);
  return {
    name: 'cache',
    hearsEnds: true,
    repository: {
      inject: [JWT_KNOX_OPTIONS, JwtKnoxEvents, { token: UserProvider, optional: true }],
      useFactory: (stored, module: ResolvedOptions, events: JwtKnoxEvents, users?: UserProvider) => {
        const database = stored.primaryDatabase();
        const setting = { database, announcesUsers: options.announcesUsers, lease: LEASE_MS };
        const problems = [...storageProblems(stored, options), ...feedProblems(options, setting)];
        if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'leaseCache');
        const place = JSON.stringify([stored.realm, database?.table]);
        return new LeasedSessionRepository(stored, new LeaseCache(options, setting, events, module, users, place));
      },
    },
    providers: [
      {
        provide: SessionCache,
        useFactory: (repository: SessionRepository) => (repository as LeasedSessionRepository).cache,
        inject: [SessionRepository],
      },
    ],
    routes: [],
    problems: (settings) => moduleProblems(options, settings),
  };
}

function storageProblems({ joinsUser }: SessionRepository, { keeps }: ResolvedCacheOptions): string[] {
  if (!joinsUser || !keeps) return [];
  return [
    'storage: userRelation reads the user with the row, and what is kept of a row would freeze its user; leave userRelation out.',
  ];
}

/** What the database announces, the feed has to hear. */
function feedProblems({ feed, announcesUsers }: ResolvedCacheOptions, setting: FeedSetting): readonly string[] {
  const problems = feed.setupProblems(setting);
  if (!announcesUsers || feed.isAnnouncedByStorage) return problems;
  return [
    ...problems,
    "users: with this feed nobody hears when a user changes; set users: { announcedBy: 'application' } and call " +
      'TokenService.userChanged after every change, use postgresFeed(), or leave users out.',
  ];
}
