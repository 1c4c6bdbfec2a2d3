import { Inject, Injectable } from '@nestjs/common';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { storageCall } from './storage-deadline';

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

  async read(): Promise<LoginArrival> {
    const at = this.options.clock.now();
    return Object.freeze({ counter: await storageCall(() => this.repository.readCounter()), at });
  }

  /** @throws TypeError for anything but an arrival of the last 24 hours */
  check(arrival: LoginArrival | undefined): void {
    const { counter, at = NaN } = Object(arrival) as Partial<LoginArrival>;
    const { clock, clockMargin } = this.options;
    const age = clock.now() - at;
    const isCount = Number.isSafeInteger(counter) && counter! >= 0;
    const isSound = isCount && Number.isSafeInteger(at) && age >= -clockMargin;
    if (!isSound) throw new TypeError('issue: arrival must be what TokenService.arrival() returned.');
    if (age > MAX_AGE_MS) throw new TypeError('issue: the arrival is older than 24 hours; begin the login again.');
  }
}
