import { TokenRejection } from '../contracts/errors';
import type { UserProvider } from '../contracts/user-provider';
import type { TokenClaims } from '../tokens/token-claims';
import { userRejectionOf } from '../sessions/user-check';
import { HostErrors } from '../sessions/host-errors';
import { RequestDeadline } from '../sessions/request-deadline';
import type { DeviceCheck } from '../sessions/device-check';

/** Whose tokens count where the session itself is not read: everybody's, or those of users that this service knows. */
export class LocalUsers {
  private readonly hostErrors: HostErrors;

  constructor(
    private readonly users: UserProvider | undefined,
    private readonly timeout: number,
  ) {
    this.hostErrors = new HostErrors(undefined, users);
  }

  /** @throws TokenRejection, or a 503 when the look-up fails or takes too long */
  async find(claims: TokenClaims): Promise<unknown> {
    const { users } = this;
    if (!users) return { id: claims.userId };
    const look = () => this.hostErrors.run(() => users.findById(claims.userId));
    const user = await new RequestDeadline(this.timeout).run(look);
    const refusal = userRejectionOf(users, user, claims.userId);
    if (refusal) throw new TokenRejection(refusal, claims);
    return user;
  }
}

/** What this service checks of another's token by itself: its own users, and the proof that a bound one needs. */
export class LocalChecks {
  constructor(
    readonly users: LocalUsers,
    readonly devices: DeviceCheck,
  ) {}
}
