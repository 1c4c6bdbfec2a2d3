import passport from 'passport';
import { MissingTokenError } from '../contracts/errors';
import type { TokenTransport } from '../contracts/token-transport';
import type { TokenVerifier } from '../sessions/token-verifier';
import { JwtKnoxStrategy } from './jwt-knox.strategy';
import { unwrapRequest } from './passport-call';
import { presenterOf } from './request-context';

/** The Passport strategy of one JwtKnoxVerifierModule, under a name of its own as that of a JwtKnoxModule. */
export function createVerifierStrategy(
  verifier: TokenVerifier,
  transport: TokenTransport,
  uniqueName: string,
): JwtKnoxStrategy {
  async function authenticate(request: unknown) {
    const token = transport.readAccess(request);
    if (token === null) throw new MissingTokenError();
    return verifier.authenticate(token, presenterOf(request));
  }

  class RegisteredStrategy extends passport.Strategy {
    override readonly name = uniqueName;

    // Passport calls this on an object of its own for each request.
    override authenticate(given: unknown): void {
      authenticate(unwrapRequest(given)).then(
        (found) => this.success(found),
        (error: unknown) => this.error(error),
      );
    }

    // Last of all: until the server is closed, requests that are still under way meet the guard.
    onApplicationShutdown(): void {
      passport.unuse(uniqueName);
    }
  }

  const strategy = new RegisteredStrategy();
  passport.use(uniqueName, strategy);
  return strategy;
}
