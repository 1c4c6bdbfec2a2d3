import { Inject, Injectable } from '@nestjs/common';
import type { Presenter } from '../contracts/device';
import { InvalidCredentialsError } from '../contracts/errors';
import { ForbiddenError } from '../contracts/rights-errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Session } from '../contracts/session';
import { UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { HostErrors } from './host-errors';
import { type LoginArrival, LoginArrivals } from './login-arrivals';
import { RequestDeadline } from './request-deadline';
import { SessionIssuer } from './session-issuer';
import { SessionRenewals } from './session-renewals';

/** A request in which a user who is logged in proves their credentials again. */
export interface Proof {
  session: Session;
  /** As the user provider found it. */
  user: unknown;
  password: string;
  request: unknown;
  presenter: Presenter;
}

/** Lets users who are logged in prove their credentials again. */
@Injectable()
export class Reauthentication {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly arrivals: LoginArrivals,
    private readonly renewals: SessionRenewals,
    private readonly hostErrors: HostErrors,
    private readonly users: UserProvider,
    private readonly issuer: SessionIssuer,
  ) {}

  /** Notes when a request of this session begins that makes another one. @throws InvalidTokenError when it has ended */
  async arrive(session: Session): Promise<LoginArrival> {
    const deadline = new RequestDeadline(this.options.storageTimeout);
    return deadline.run(async () => {
      const arrival = await this.arrivals.read();
      await this.renewals.requireAsRead(session);
      return arrival;
    });
  }

  /** Gives the session new keys: what was issued before, and copies of it, counts no more. @throws InvalidCredentialsError */
  async byPassword(proof: Proof): Promise<IssuedTokens> {
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const at = this.options.clock.now();
    await this.check(proof, deadline);
    return this.renewals.reauthenticateAsRead(proof.session, at, deadline);
  }

  /** The same after guards of your own have found out who sends the request. @throws InvalidCredentialsError */
  async byGuards(session: Session, proven: unknown, at: number): Promise<IssuedTokens> {
    if (!this.isUserOf(session, proven)) throw new InvalidCredentialsError();
    return this.renewals.reauthenticateAsRead(session, at, new RequestDeadline(this.options.storageTimeout));
  }

  /** That the user knows their password, and nothing else. @throws InvalidCredentialsError */
  async check({ session, user, password, request, presenter }: Proof, deadline: RequestDeadline): Promise<void> {
    const { users } = this;
    // Whoever acts as the user must not find out their password.
    if (session.kind !== 'login')
      throw new ForbiddenError('Only the user can prove their credentials, in a login of theirs.');
    const username: unknown = users.getUsername(user);
    if (typeof username !== 'string' || username === '') {
      throw new TypeError(
        'UserProvider.getUsername(user) must return the username that a login of this user sends; implement it.',
      );
    }
    const exclude = <T>(work: () => Promise<T>) => deadline.pauseWhile(work);
    const validate = () => users.validateCredentials({ username, password }, request, exclude);
    const proven = await deadline.run(() => this.hostErrors.run(validate));
    if (this.isUserOf(session, proven)) return;
    this.issuer.reportFailure(username, presenter);
    throw new InvalidCredentialsError();
  }

  private isUserOf(session: Session, proven: unknown): boolean {
    return proven !== null && proven !== undefined && this.users.getId(proven) === session.userId;
  }
}
