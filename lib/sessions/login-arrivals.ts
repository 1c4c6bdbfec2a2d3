import { Inject, Injectable } from '@nestjs/common';
import { InvalidCredentialsError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { fromStorage } from './request-deadline';

const MAX_AGE_MS = 24 * 3_600_000;

/**
 * When a login began, by the counter of the fences and by the clock (epoch ms). Plain data, to be kept on the server while
 * the proof takes more than one request; never take it from a client.
 */
export interface LoginArrival {
  /** The counter of the fences then: ends that raise it later end this login too. */
  readonly counter: number;
  /** Epoch ms; becomes the session's `authenticatedAt` where nothing else is given. */
  readonly at: number;
}

/** Notes when logins begin. Read before anything is looked at: credentials that change later do not count for them. */
@Injectable()
export class LoginArrivals {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
  ) {}

  /**
   * @param repository within the host's transaction, where there is one: its connection is at hand, and a snapshot of before
   * only ends more
   */
  async read(repository = this.repository): Promise<LoginArrival> {
    const at = this.options.clock.now();
    return Object.freeze({ counter: await fromStorage(() => repository.readCounter()), at });
  }

  /** The arrival that is given, or else that of now: one that went missing must not become "now". */
  begun(given: { arrival?: LoginArrival | undefined }, repository = this.repository): Promise<LoginArrival> {
    return 'arrival' in given ? this.accept(given.arrival, repository) : this.read(repository);
  }

  /**
   * The arrival that a host kept, as far as it counts.
   * @throws TypeError for anything but an arrival of the last 24 hours
   * @throws InvalidCredentialsError when the counter has never been as high: a backup was restored in between, and fences
   * that are raised from now on would not meet it
   */
  private async accept(arrival: LoginArrival | undefined, repository: SessionRepository): Promise<LoginArrival> {
    const { counter, at = NaN } = Object(arrival) as Partial<LoginArrival>;
    const current = await this.read(repository);
    // To come by this clock: read by one that is ahead. The counter decides, so that does no harm.
    const isMoment = Number.isSafeInteger(at) && at - current.at <= MAX_AGE_MS;
    const isSound = Number.isSafeInteger(counter) && counter! >= 0 && isMoment;
    if (!isSound) throw new TypeError('issue: arrival must be what TokenService.arrival() returned.');
    if (current.at - at > MAX_AGE_MS)
      throw new TypeError('issue: the arrival is older than 24 hours; begin the login again.');
    if (counter! > current.counter) throw new InvalidCredentialsError();
    return { counter: counter!, at: Math.min(at, current.at) };
  }
}
