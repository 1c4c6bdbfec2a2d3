import { BindingRequiredError } from '../contracts/binding-errors';
import { MissingTokenError, TokenExpiredError, UnauthorizedError } from '../contracts/errors';
import { type CredentialUse, tokenOrNull, type TokenTransport } from '../contracts/token-transport';
import type { TokenSession } from '../contracts/session';
import type { Authentication } from '../sessions/session-checker';
import type { SessionRenewals } from '../sessions/session-renewals';
import type { TokenVerifier } from '../sessions/token-verifier';
import { offerNonce, setHeader } from './error-headers.interceptor';
import type { RequestContext } from './request-context';

const FROM_OWN_PAGES: CredentialUse = { wantsTokens: false, allowsCrossOrigin: false };
const FROM_ANYWHERE: CredentialUse = { wantsTokens: false, allowsCrossOrigin: true };

/** What a guarded route does with a credential. */
function useOf({ allowsCrossOrigin }: RequestContext): CredentialUse {
  return allowsCrossOrigin ? FROM_ANYWHERE : FROM_OWN_PAGES;
}

type Found = Promise<Authentication<any, TokenSession>>;

/** From a request to the session of its credential: what the transport finds there, the verifier opens. */
export class CredentialCheck {
  /** @param renewals not there in services that only verify */
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly transport: TokenTransport,
    private readonly renewals?: SessionRenewals,
  ) {}

  /** Whether the transport wants to know which routes say `@AllowCrossOrigin()`. */
  get checksOrigin(): boolean {
    return this.transport.checksOrigin;
  }

  /** Whether memory may answer in place of the storage. */
  get recalls(): boolean {
    return this.verifier.recalls;
  }

  /** Refuses what the transport takes from nobody, such as a request that a page of another site made. */
  admit(context: RequestContext): void {
    if (context.isAdmitted) return;
    this.transport.admit(context.request, context.response, useOf(context));
    context.isAdmitted = true;
  }

  /** From memory, where that accepts; undefined: ask {@link authenticate}, which says what is wrong. */
  recall(context: RequestContext): Authentication<any, TokenSession> | undefined {
    this.admit(context);
    const token = tokenOrNull(this.transport.readAccess(context.request));
    if (token === null) return undefined;
    const { presenter, request, response } = context;
    const found = this.verifier.recall(token, presenter);
    if (found && presenter.proof && response) offerNonce(response, request);
    return found;
  }

  async authenticate(context: RequestContext): Found {
    const { request, response, presenter } = context;
    this.admit(context);
    const token = tokenOrNull(this.transport.readAccess(request));
    if (token === null) return this.goOn(context, new MissingTokenError());
    try {
      const found = await this.verifier.authenticate(token, presenter, { authoritative: context.isAuthoritative });
      if (presenter.proof && response) offerNonce(response, request);
      return found;
    } catch (error) {
      if (error instanceof TokenExpiredError) return this.goOn(context, error);
      const isEarly = error instanceof BindingRequiredError && error.refusal === 'not_bound';
      if (isEarly && response) this.transport.askAgain(response, request, 'not_bound');
      throw error;
    }
  }

  /** A page that is asked for when the access token has expired, in a browser without scripts: see `readRenewal`. */
  private async goOn(context: RequestContext, refusal: UnauthorizedError): Found {
    const { transport, renewals } = this;
    const { request, response, presenter } = context;
    // Without an answer to write to, nobody would learn the new token.
    const refreshToken = renewals && response ? tokenOrNull(transport.readRenewal(request)) : null;
    if (refreshToken === null) {
      if (response) transport.askAgain(response, request, 'no_token');
      throw refusal;
    }
    const tokens = await renewals!.renewAccess(refreshToken, presenter).catch((error: unknown) => {
      if (!(error instanceof UnauthorizedError)) throw error;
      // For pages, which expire the cookies then. Not enumerable, so that no serializer carries it to a caller.
      throw Object.defineProperty(refusal, 'cause', { value: error, enumerable: false });
    });
    await transport.write(response, tokens, request);
    // The answer carries tokens now, whatever the route says of caches before.
    setHeader(response, 'Cache-Control', 'no-store');
    return this.verifier.authenticate(tokens.accessToken, presenter, { authoritative: context.isAuthoritative });
  }
}
