import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { cleanPresenter, isSameDevice, type Presenter } from '../contracts/device';
import { JwtKnoxEvents, type LoginFailure } from '../contracts/events';
import { line, messageOf } from '../contracts/log-line';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { loginFailureOf } from './login-trace';
import { fromStorage, type RequestDeadline } from './request-deadline';

/** Tells events and the user provider how logins went. */
@Injectable()
export class LoginReports {
  private readonly logger = new Logger('SessionIssuer');

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** Runs a login, and tells why it failed. */
  async during<T>(
    { username, device }: { username: string | null; device: Presenter },
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const reason = loginFailureOf(error);
      if (reason) this.failed(username, device, reason);
      throw error;
    }
  }

  failed(username: string | null, presenter: Presenter, reason: LoginFailure): void {
    this.events.emit('login.failed', {
      username,
      presenter: cleanPresenter(presenter, this.options.session.ipAddress),
      reason,
    });
  }

  /** Once the session stands. */
  async succeeded(record: SessionRecord, tokens: IssuedTokens, deadline: RequestDeadline): Promise<void> {
    const { session, user } = tokens;
    this.events.emit('session.created', { session, user, isNewDevice: () => this.isNewDevice(record) });
    if (session.boundKind !== null) this.events.emit('session.bound', { session, kind: session.boundKind });
    if (record.kind !== 'login') return;
    const noted = async () => this.users?.onLogin(user, session);
    await deadline.run(noted).catch((error: unknown) => {
      this.logger.error(line('on-login-failed', `UserProvider.onLogin failed: ${messageOf(error)}`));
    });
  }

  private async isNewDevice({ id, userId, userAgent, createdAt }: SessionRecord): Promise<boolean> {
    const before = { createdAt, id };
    const earlier = await fromStorage(() => this.repository.findByUser(userId, { limit: 100, before }));
    return !earlier.some((other) => isSameDevice(other.userAgent, userAgent));
  }
}
