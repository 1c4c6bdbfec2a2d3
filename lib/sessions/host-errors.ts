import { HttpException, Injectable, Optional } from '@nestjs/common';
import { isConnectionFailure, withoutParameters } from '../contracts/connection-errors';
import { StorageUnavailableError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';

/** Tells what is out of reach from a bug, in errors of your application's code. */
@Injectable()
export class HostErrors {
  constructor(
    @Optional() private readonly storage?: SessionRepository,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** Runs code of your application: its own HTTP answers pass, what is out of reach is 503, and a bug stays a bug. */
  async run<T>(call: () => T | Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof HttpException || !this.isUnavailable(error)) throw error;
      throw new StorageUnavailableError(withoutParameters(error));
    }
  }

  /** The storage's judgement counts too: users are most often in the same database, and read by the same driver. */
  private isUnavailable(error: unknown): boolean {
    const { storage, users } = this;
    return users?.isUnavailable(error) || storage?.isUnavailable(error) || isConnectionFailure(error);
  }
}
