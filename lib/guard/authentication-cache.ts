import { inspect } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { TokenSession } from '../contracts/session';
import type { Authentication } from '../sessions/session-checker';

/** What a verifier returns may know less of the session than the row does. */
export type RequestAuthentication = Authentication<any, TokenSession>;

/** From memory at once, or to come. */
export type Found = RequestAuthentication | Promise<RequestAuthentication>;

class CachedAuthentication {
  readonly #lifetime: object;

  constructor(
    lifetime: object,
    readonly request: object,
    readonly authentication: Found,
    /** Whether the storage was asked. */
    readonly isAuthoritative: boolean,
  ) {
    this.#lifetime = lifetime;
  }

  /** Not of a copy, however deep, nor of what inherits. */
  isOf(lifetime: object): boolean {
    return #lifetime in this && this.#lifetime === lifetime;
  }

  /** Printed with the request that holds it, it would print that once more. */
  [inspect.custom](): string {
    return '[CachedAuthentication]';
  }
}

/**
 * What the guards of one module know of requests: shared, so that a second guard reuses the first one's result. Kept
 * with the request itself, under a symbol that nobody else has: from a WeakMap, V8 frees what is short-lived late. What
 * refuses to be written to, and what a guard of the host's found elsewhere, is in a WeakMap all the same.
 */
@Injectable()
export class AuthenticationCache {
  readonly #member = Symbol('jwt-knox.authentication');
  readonly #others = new WeakMap<object, CachedAuthentication>();

  /** @param authoritative whether only the storage's word will do */
  get(lifetime: object, request: object, authoritative = false): Found | undefined {
    const member: unknown = lifetime === request && (request as Record<symbol, unknown>)[this.#member];
    const known = member || this.#others.get(lifetime);
    // A guard that finds its request elsewhere does not inherit the result for another one.
    const isSame = known instanceof CachedAuthentication && known.isOf(lifetime) && known.request === request;
    return isSame && (known.isAuthoritative || !authoritative) ? known.authentication : undefined;
  }

  set(lifetime: object, request: object, authentication: Found, authoritative = true): void {
    const known = new CachedAuthentication(lifetime, request, authentication, authoritative);
    if (lifetime !== request || !Reflect.set(lifetime, this.#member, known)) this.#others.set(lifetime, known);
  }
}
