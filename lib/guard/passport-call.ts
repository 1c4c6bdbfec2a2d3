import passport from 'passport';
import { TokenRejection } from '../contracts/errors';

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

  finish(error: unknown, answer: Answer | false | undefined, info: unknown): void {
    const { resolve, reject } = this;
    this.request = this.resolve = this.reject = undefined;
    if (error) reject?.(error);
    else if (answer) resolve?.(answer);
    // Whatever else the JWT library found wrong, it found in checking the signature.
    else reject?.(info instanceof TokenRejection ? info : new TokenRejection('signature'));
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
function send<Answer>(strategy: string, errand: PassportRequest<Answer>): void {
  const finish = (error: unknown, answer?: Answer | false, info?: unknown) => errand.finish(error, answer, info);
  try {
    passport.authenticate(strategy, { session: false }, finish)(errand, undefined, finish);
  } catch (error) {
    finish(error);
  }
}
