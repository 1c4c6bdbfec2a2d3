import { inspect } from 'node:util';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MissingTokenError } from '../contracts/errors';
import type { TokenSession } from '../contracts/session';
import type { Authentication } from '../tokens/session-validity';
import { Refusals } from '../tokens/refusals';
import { ROUTE_ACCESS, type RouteAccess } from './decorators';
import { JwtKnoxStrategy } from './jwt-knox.strategy';
import { sendThroughPassport } from './passport-errand';
import { presenterOf, requestLifetimeOf, requestOf, responseOf } from './request-of';
import { ErrorHeaders } from './response-headers';

/** What a verifier gives may know less of the session than the row does. */
type Verdict = Authentication<any, TokenSession>;

class KnownVerdict {
  readonly #lifetime: object;

  constructor(
    lifetime: object,
    readonly request: object,
    readonly verdict: Promise<Verdict>,
  ) {
    this.#lifetime = lifetime;
  }

  /** Not of a copy, however deep, nor of what inherits. */
  isOf(lifetime: object): boolean {
    return #lifetime in this && this.#lifetime === lifetime;
  }

  /** Printed with the request that holds it, it would print that once more. */
  [inspect.custom](): string {
    return '[KnownVerdict]';
  }
}

/**
 * What the guards of one module know of requests: shared, so that a second guard reuses the first one's verdict. Kept
 * with the request itself, under a symbol that nobody else has: from a WeakMap, V8 frees what is short-lived late. The
 * host's own objects, the contexts of GraphQL, are not written to.
 */
@Injectable()
export class Verdicts {
  readonly #member = Symbol('jwt-knox.verdict');
  readonly #contexts = new WeakMap<object, KnownVerdict>();

  get(lifetime: object, request: object): Promise<Verdict> | undefined {
    const member: unknown = lifetime === request && (request as Record<symbol, unknown>)[this.#member];
    const known = member || this.#contexts.get(lifetime);
    // A guard that finds its request elsewhere does not inherit the verdict on another one.
    const isSame = known instanceof KnownVerdict && known.isOf(lifetime) && known.request === request;
    return isSame ? known.verdict : undefined;
  }

  set(lifetime: object, request: object, verdict: Promise<Verdict>): void {
    const known = new KnownVerdict(lifetime, request, verdict);
    if (lifetime !== request || !Reflect.set(lifetime, this.#member, known)) this.#contexts.set(lifetime, known);
  }
}

/**
 * Lets a request in when it carries a valid access token of a live session. Sets `request.user` to the host's user and
 * `request.knox` to `{ session, claims }`. Extend it to find request and response in other kinds of context.
 */
@Injectable()
export class JwtKnoxGuard implements CanActivate {
  constructor(
    private readonly strategy: JwtKnoxStrategy,
    private readonly refusals: Refusals,
    private readonly verdicts: Verdicts,
    private readonly errorHeaders: ErrorHeaders,
    private readonly reflector: Reflector,
  ) {}

  /** @throws MissingTokenError, InvalidTokenError, TokenExpiredError (401), InvalidRequestError (400), UnavailableError (503) */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.accessTo(context);
    if (access === 'public') return true;
    const request = this.getRequest(context);
    try {
      const { user, session, claims } = await this.authenticate(context, request);
      request.user = user;
      request.knox = { session, claims };
      return true;
    } catch (error) {
      if (access === 'optional' && error instanceof MissingTokenError) return true;
      this.errorHeaders.set(this.getResponse(context), error);
      throw error;
    }
  }

  protected getRequest(context: ExecutionContext): any {
    return requestOf(context);
  }

  protected getResponse(context: ExecutionContext): any {
    return responseOf(context);
  }

  /** Whom the route lets in; the handler's own word goes before its class's. */
  protected accessTo(context: ExecutionContext): RouteAccess {
    return (
      this.reflector.getAllAndOverride<RouteAccess>(ROUTE_ACCESS, [context.getHandler(), context.getClass()]) ??
      'required'
    );
  }

  private authenticate(context: ExecutionContext, request: unknown): Promise<Verdict> {
    // A context without a request of its own, such as a subscription's, carries no credential either.
    if (typeof request !== 'object' || request === null) throw new MissingTokenError();
    const lifetime = requestLifetimeOf(context);
    const known = lifetime && this.verdicts.get(lifetime, request);
    if (known) return known;
    const verdict = this.judge(request);
    if (lifetime) this.verdicts.set(lifetime, request, verdict);
    return verdict;
  }

  private async judge(request: object): Promise<Verdict> {
    try {
      return await sendThroughPassport<Verdict>(this.strategy.name, request);
    } catch (error) {
      throw this.refusals.of(error, 'access', presenterOf(request));
    }
  }
}
