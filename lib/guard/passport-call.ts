import passport from 'passport';
import { InvalidTokenError } from '../contracts/errors';
import { RequestContext } from './request-context';

/**
 * Goes through Passport in place of the request, and lets go of it when it is done. Passport assigns its functions to
 * properties; V8 takes such functions for long-lived, so that they, and all they reach, stay until a full collection.
 */
class PassportRequest<Answer> {
  constructor(
    public context: RequestContext | undefined,
    private resolve: ((answer: Answer) => void) | undefined,
    private reject: ((error: unknown) => void) | undefined,
  ) {}

  finish(error: unknown, answer: Answer | false | undefined): void {
    const { resolve, reject } = this;
    this.context = this.resolve = this.reject = undefined;
    if (answer && !error) resolve?.(answer);
    else reject?.(error ?? new InvalidTokenError('signature'));
  }
}

/** What the strategy of this name finds out about a request. */
export function authenticateWith<Answer>(strategy: string, context: RequestContext): Promise<Answer> {
  return new Promise((resolve, reject) => send(strategy, new PassportRequest<Answer>(context, resolve, reject)));
}

/** What a strategy was given: by a guard of the library, or as a plain request by a host that calls Passport itself. */
export function contextBehind(given: unknown): RequestContext {
  return given instanceof PassportRequest ? given.context! : new RequestContext(given);
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
