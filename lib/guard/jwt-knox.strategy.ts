import { PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import type { TokenTransport } from '../contracts/token-transport';
import type { CredentialCheck } from './credential-check';
import { contextBehind } from './passport-call';

/**
 * The Passport strategy of one module. Opaque, so that what is behind it can change.
 * @example
 * const strategy = app.get(JwtKnoxStrategy); // the guard uses it; you do not need it
 */
export abstract class JwtKnoxStrategy {
  /** The name under which this strategy, and no other, is registered with Passport. */
  abstract readonly name: string;
}

/**
 * Passport's registry is global to the process: every strategy gets a name of its own, and leaves when its module does,
 * so that several Nest applications can live in one process. A strategy of passport-jwt in name; the transport finds the
 * token, and the verifier opens it.
 */
export function createJwtKnoxStrategy(
  check: CredentialCheck,
  transport: TokenTransport,
  uniqueName: string,
): JwtKnoxStrategy {
  const read = (given: unknown) => transport.readAccess(contextBehind(given).request);

  class RegisteredStrategy extends PassportStrategy(Strategy, uniqueName) {
    override readonly name = uniqueName;

    constructor() {
      super({ jwtFromRequest: read, secretOrKeyProvider: (_request, _token, done) => done(new Error(UNUSED)) });
    }

    // Passport calls this on an object of its own for each request.
    override authenticate(given: unknown): void {
      check.authenticate(contextBehind(given)).then(
        (authentication) => this.success(authentication),
        (error: unknown) => this.error(error as Error),
      );
    }

    validate(): never {
      throw new Error(UNUSED);
    }

    // Last of all: until the server is closed, requests that are still under way meet the guard.
    onApplicationShutdown(): void {
      passport.unuse(uniqueName);
    }
  }

  return new RegisteredStrategy();
}

const UNUSED = 'JwtKnoxStrategy opens tokens in authenticate.';
