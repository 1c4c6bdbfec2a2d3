import { Inject, Injectable, Optional } from '@nestjs/common';
import { InvalidCredentialsError } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Device } from '../contracts/device';
import { SessionRepository, type StorageTransaction } from '../contracts/session.repository';
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
    private readonly repository: SessionRepository,
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
    await this.issuer.admit(credentials.username, device);
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
      this.issuer.reportFailure(username, device);
      throw new InvalidCredentialsError();
    }
    const chosen = await deadline.run(() => this.choicesFor(user, request));
    const login = {
      user,
      device,
      arrival,
      overrides: { ...overrides, ...chosen },
      username,
      transaction: null,
      kind: 'login',
    } as const;
    return this.issuer.start(login, deadline);
  }

  /** For a user whom the guards of the login route have authenticated. */
  async loginAfterGuards(
    user: unknown,
    device: Device,
    request: unknown,
    overrides: IssueOverrides,
  ): Promise<IssuedTokens> {
    const chosen = await new RequestDeadline(this.options.storageTimeout).run(() => this.choicesFor(user, request));
    return this.issue(user, device, { ...overrides, ...chosen });
  }

  async issue<User>(user: User, device: Device, overrides: IssueOverrides): Promise<IssuedTokens<User>> {
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const transaction = this.transactionOf(overrides);
    const arrival = await deadline.run(() => this.arrivals.begun(overrides, transaction?.repository));
    return this.issuer.start(
      { user, device, arrival, overrides, username: null, transaction, kind: 'login' },
      deadline,
    );
  }

  /** @throws StorageUnavailableError */
  arrival(): Promise<LoginArrival> {
    return new RequestDeadline(this.options.storageTimeout).run(() => this.arrivals.read());
  }

  private transactionOf(overrides: IssueOverrides): StorageTransaction | null {
    if (!('manager' in overrides)) return null;
    const manager: unknown = overrides.manager;
    // One that went missing must not become "outside of the transaction".
    if (typeof manager !== 'object' || manager === null) {
      throw new TypeError(
        'issue: manager must be what stands for the transaction, such as an EntityManager of TypeORM.',
      );
    }
    return this.repository.within(manager);
  }

  /** What the options decide for a session of the login route. */
  private async choicesFor(user: unknown, request: unknown): Promise<Pick<IssueOverrides, 'columns' | 'scopes'>> {
    const columns = await this.columnsFor(user, request);
    // What goes missing in the hook is no list, and refused: it must not become everything.
    const scopes = this.options.scopes ? await this.hostErrors.run(() => this.options.scopes!(user, request)) : null;
    return { columns, scopes };
  }

  private async columnsFor(user: unknown, request: unknown): Promise<Readonly<Record<string, unknown>>> {
    const columns: unknown = await this.hostErrors.run(() => this.options.sessionColumns?.(user, request));
    if (columns === undefined || columns === null) return {};
    if (typeof columns === 'object') return columns as Readonly<Record<string, unknown>>;
    throw new TypeError('sessionColumns must return an object, such as { tenantId: 7 }.');
  }
}
