import { PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import { MissingTokenError, TokenExpiredError, UnauthorizedError } from '../contracts/errors';
import { type CredentialUse, tokenOrNull, type TokenTransport } from '../contracts/token-transport';
import type { SessionRenewals } from '../sessions/session-renewals';
import type { TokenVerifier } from '../sessions/token-verifier';
import { contextBehind } from './passport-call';
import type { RequestContext } from './request-context';

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
  verifier: TokenVerifier,
  transport: TokenTransport,
  uniqueName: string,
  renewals?: SessionRenewals,
): JwtKnoxStrategy {
  const read = (given: unknown) => transport.readAccess(contextBehind(given).request);

  async function authenticate(context: RequestContext) {
    const { request, response, presenter } = context;
    transport.admit(request, response, context.allowsCrossOrigin ? FROM_ANYWHERE : FROM_OWN_PAGES);
    const token = tokenOrNull(transport.readAccess(request));
    if (token === null) return goOn(context, new MissingTokenError());
    try {
      return await verifier.authenticate(token, presenter);
    } catch (error) {
      if (error instanceof TokenExpiredError) return goOn(context, error);
      throw error;
    }
  }

  /** A page that is asked for when the access token has expired, in a browser without scripts: see `readRenewal`. */
  async function goOn({ request, response, presenter }: RequestContext, refusal: UnauthorizedError) {
    // Without an answer to write to, nobody would learn the new token.
    const refreshToken = renewals && response ? tokenOrNull(transport.readRenewal(request)) : null;
    if (refreshToken === null) throw refusal;
    const tokens = await renewals!.renewAccess(refreshToken, presenter).catch((error: unknown) => {
      throw error instanceof UnauthorizedError ? refusal : error;
    });
    await transport.write(response, tokens, request);
    return verifier.authenticate(tokens.accessToken, presenter);
  }

  class RegisteredStrategy extends PassportStrategy(Strategy, uniqueName) {
    override readonly name = uniqueName;

    constructor() {
      super({ jwtFromRequest: read, secretOrKeyProvider: (_request, _token, done) => done(new Error(UNUSED)) });
    }

    // Passport calls this on an object of its own for each request.
    override authenticate(given: unknown): void {
      authenticate(contextBehind(given)).then(
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

const FROM_OWN_PAGES: CredentialUse = { wantsTokens: false, allowsCrossOrigin: false };
const FROM_ANYWHERE: CredentialUse = { wantsTokens: false, allowsCrossOrigin: true };

const UNUSED = 'JwtKnoxStrategy opens tokens in authenticate.';
