import { Inject, Injectable, Optional } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { StorageUnavailableError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import { type Duration, millisecondsOf } from '../options/duration';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { fromStorage, RequestDeadline } from '../sessions/request-deadline';
import { SessionCache } from '../sessions/session-cache';
import { generateId } from '../tokens/token-key';
import { databaseTime } from './database-time';

/** From when on the check is `down`, beside a storage that does not answer. By default neither is a reason. */
export interface HealthLimits {
  /** The feed of `leaseCache` has proven nothing for so long: logouts are answered with 503 meanwhile. */
  maxFeedAge?: Duration | undefined;
  /** The clock of this process and that of the database differ by more. */
  maxClockDifference?: Duration | undefined;
}

/** What the check says beside `status`. Numbers are whole milliseconds. */
interface Findings extends Record<string, unknown> {
  storage: 'up' | 'down';
  /** Since the feed last proved that nothing is missing; null before it did. Left out without `leaseCache`. */
  feedAge?: number | null;
  /** How far this process is ahead of the database. Left out where the database has no clock of its own. */
  clockDifference?: number;
}

/**
 * Whether sessions can be read in time: for the readiness of an instance, never for its liveness, since a restart heals no
 * database. Provided by the feature `terminus()`.
 * @example
 * check() { return this.health.check([() => this.knox.isHealthy('sessions')]); }
 */
@Injectable()
export class JwtKnoxHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'clock' | 'storageTimeout'>,
    private readonly repository: SessionRepository,
    @Optional() private readonly cache?: SessionCache,
  ) {}

  /**
   * Reads the storage, within `storageTimeout`, and compares the clocks.
   * @param key under which the result is listed
   * @returns `down` where the storage fails or is late, or a limit is passed; with `storage`, `feedAge` and
   * `clockDifference` (ms). Never what a driver said.
   * @throws TypeError for a limit that is no duration
   */
  async isHealthy<Key extends string>(key: Key, limits: HealthLimits = {}): Promise<HealthIndicatorResult<Key>> {
    const [maxFeedAge, maxClockDifference] = [limitOf(limits.maxFeedAge), limitOf(limits.maxClockDifference)];
    const found = await this.look();
    const { storage, feedAge, clockDifference = 0 } = found;
    const isHeard = feedAge === undefined || maxFeedAge === null || (feedAge ?? Infinity) <= maxFeedAge;
    const isInTime = maxClockDifference === null || Math.abs(clockDifference) <= maxClockDifference;
    const session = this.indicators.check(key);
    return storage === 'up' && isHeard && isInTime ? session.up(found) : session.down(found);
  }

  private async look(): Promise<Findings> {
    const found: Findings = { storage: 'up' };
    if (this.cache) {
      const { feedAge } = this.cache.state;
      found.feedAge = feedAge === null ? null : Math.round(feedAge);
    }
    const read = async () => {
      await fromStorage(() => this.repository.findById(generateId()));
      const difference = await fromStorage(() => this.clockDifference());
      if (difference !== null) found.clockDifference = difference;
    };
    try {
      await new RequestDeadline(this.options.storageTimeout).run(read);
    } catch (error) {
      if (!(error instanceof StorageUnavailableError)) throw error;
      found.storage = 'down';
    }
    return found;
  }

  /** The database's moment lies between two of this process: half of what the question took is the error. */
  private async clockDifference(): Promise<number | null> {
    const database = this.repository.primaryDatabase();
    const asked = this.options.clock.now();
    const time = database && (await databaseTime(database));
    if (time === null) return null;
    return Math.round((asked + this.options.clock.now()) / 2 - time);
  }
}

function limitOf(limit: Duration | undefined): number | null {
  if (limit === undefined) return null;
  const ms = millisecondsOf(limit);
  if (ms === null) throw new TypeError("isHealthy: a limit must be a duration, such as '30s'.");
  return ms;
}
