import { PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy, type StrategyOptionsWithoutRequest } from 'passport-jwt';
import { MissingTokenError, TokenRejection } from '../contracts/errors';
import type { TokenTransport } from '../contracts/token-transport';
import type { Authentication } from '../sessions/session-checker';
import type { AccessTokenVerifier } from '../sessions/access-token.verifier';
import { unwrapRequest } from './passport-call';
import { presenterOf } from './request-context';

/** The Passport strategy of one JwtKnoxModule. Opaque, so that the JWT library behind it can change. */
export abstract class JwtKnoxStrategy {
  /** The name under which this strategy, and no other, is registered with Passport. */
  abstract readonly name: string;
}

/**
 * Passport's registry is global to the process: every strategy gets a name of its own, and leaves when its module does,
 * so that several Nest applications can live in one process.
 */
export function createJwtKnoxStrategy(
  tokens: AccessTokenVerifier,
  transport: TokenTransport,
  uniqueName: string,
): JwtKnoxStrategy {
  class RegisteredStrategy extends PassportStrategy(Strategy, uniqueName) {
    override readonly name = uniqueName;

    constructor() {
      const { algorithms, ignoreExpiration, ...rest } = tokens.verifyOptions;
      const options = {
        jwtFromRequest: (given: unknown) => readToken(transport, unwrapRequest(given)),
        secretOrKeyProvider: (_given: unknown, token: string, done: (error: unknown, key?: unknown) => void) => {
          try {
            done(null, tokens.keyFor(token));
          } catch (error) {
            done(error);
          }
        },
        algorithms,
        ignoreExpiration,
        jsonWebTokenOptions: rest,
        passReqToCallback: true,
      };
      // passport-jwt hands the KeyObject on as it is; its types know only text and bytes.
      super(options as unknown as StrategyOptionsWithoutRequest);
    }

    validate(given: unknown, payload: unknown): Promise<Authentication> {
      return tokens.authenticateClaims(payload, presenterOf(unwrapRequest(given)));
    }

    // Last of all: until the server is closed, requests that are still under way meet the guard.
    onApplicationShutdown(): void {
      passport.unuse(uniqueName);
    }
  }

  return new RegisteredStrategy();
}

function readToken(transport: TokenTransport, request: unknown): string {
  const token = transport.readAccess(request);
  if (token === null) throw new MissingTokenError();
  if (token === '') throw new TokenRejection('malformed');
  return token;
}
