import passport from 'passport';
import { InvalidTokenError } from '../contracts/errors';

/**
 * Goes through Passport in place of the request, and lets go of it when it is done. Passport assigns its functions to
 * properties; V8 takes such functions for long-lived, so that they, and all they reach, stay until a full collection.
 */
class PassportRequest<Answer> {
  constructor(
    public request: unknown,
    private resolve: ((answer: Answer) => void) | undefined,
    private reject: ((error: unknown) => void) | undefined,
  ) {}

  finish(error: unknown, answer: Answer | false | undefined): void {
    const { resolve, reject } = this;
    this.request = this.resolve = this.reject = undefined;
    if (answer && !error) resolve?.(answer);
    else reject?.(error ?? new InvalidTokenError('signature'));
  }
}

/** What the strategy of this name finds in a request. */
export function authenticateWith<Answer>(strategy: string, request: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => send(strategy, new PassportRequest<Answer>(request, resolve, reject)));
}

/** The request that a strategy was given: by a guard of the library, or by a host that calls Passport itself. */
export function unwrapRequest(given: unknown): unknown {
  return given instanceof PassportRequest ? given.request : given;
}

/** By name, never by instance: given an instance, Passport 0.7 mixes concurrent requests up. */
function send<Answer>(strategy: string, call: PassportRequest<Answer>): void {
  const finish = (error: unknown, answer?: Answer | false) => call.finish(error, answer);
  try {
    passport.authenticate(strategy, { session: false }, finish)(call, undefined, finish);
  } catch (error) {
    finish(error);
  }
}
