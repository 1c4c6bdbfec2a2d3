import { Inject, Injectable, Optional } from '@nestjs/common';
import { InvalidCredentialsError } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Device } from '../contracts/device';
import { type Credentials, UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { type LoginArrival, LoginArrivals } from './login-arrivals';
import { type IssueOverrides, SessionIssuer } from './session-issuer';
import { HostErrors } from './host-errors';
import { RequestDeadline } from './request-deadline';

/** The two ways a session starts: by credentials, or for a user whom the host has authenticated. */
@Injectable()
export class Logins {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly arrivals: LoginArrivals,
    private readonly issuer: SessionIssuer,
    private readonly hostErrors: HostErrors,
    @Optional() private readonly users?: UserProvider,
  ) {}

  async login(
    credentials: Credentials,
    device: Device,
    request: unknown,
    overrides: IssueOverrides,
  ): Promise<IssuedTokens> {
    const { users } = this;
    if (!users)
      throw new Error(
        'TokenService.login needs a userProvider; use TokenService.issue for users you authenticated yourself.',
      );
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const check = async () => {
      // The arrival first: credentials that change from here on do not count for this login.
      const arrival = await this.arrivals.read();
      const exclude = <T>(work: () => Promise<T>) => deadline.pauseWhile(work);
      return {
        arrival,
        user: await this.hostErrors.run(() => users.validateCredentials(credentials, request, exclude)),
      };
    };
    const { arrival, user } = await deadline.run(check);
    const { username } = credentials;
    if (!user) {
      this.issuer.reportFailure(username, device, 'credentials');
      throw new InvalidCredentialsError();
    }
    return this.issuer.start({ user, device, arrival, overrides, username }, deadline);
  }

  async issue<User>(user: User, device: Device, overrides: IssueOverrides): Promise<IssuedTokens<User>> {
    const deadline = new RequestDeadline(this.options.storageTimeout);
    // One that went missing must not become "now".
    const begun = () => ('arrival' in overrides ? this.arrivals.accept(overrides.arrival) : this.arrivals.read());
    const arrival = await deadline.run(begun);
    return this.issuer.start({ user, device, arrival, overrides, username: null }, deadline);
  }

  /** @throws StorageUnavailableError */
  arrival(): Promise<LoginArrival> {
    return new RequestDeadline(this.options.storageTimeout).run(() => this.arrivals.read());
  }
}
