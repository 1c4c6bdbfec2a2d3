import type { ExecutionContext } from '@nestjs/common';
import { BindingRequiredError } from '../contracts/binding-errors';
import { type JwtKnoxError } from '../contracts/errors';
import {
  ForbiddenError,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
} from '../contracts/rights-errors';
import type { Session, SessionKind, TokenSession } from '../contracts/session';
import { type Duration, millisecondsOf } from '../options/duration';
import { coversScope, isScope } from '../contracts/scopes';
import { ROUTE_ACCESS } from './decorators';

/** Metadata key under which a route or class says what a session must be allowed. */
const ROUTE_RIGHTS = 'jwt-knox:route-rights';

/** What a route asks of a session, beside being alive. */
export interface RouteRights {
  /** Scopes that the session must all have. */
  readonly allOf: readonly string[];
  /** Lists of scopes, of each of which it must have one. */
  readonly anyOf: readonly (readonly string[])[];
  /** How long ago its user may have proven their credentials, in milliseconds; null: at any time. */
  readonly maxAge: number | null;
  /** Which kinds of session may; null: all. */
  readonly kinds: readonly SessionKind[] | null;
  /** Whether the session must be bound to a key of its device. */
  readonly bound: boolean;
}

const WRONG_KIND = 'This needs a login of the user: tokens for programs, and staff who act as the user, may not do it.';

const NONE: RouteRights = { allOf: [], anyOf: [], maxAge: null, kinds: null, bound: false };

/**
 * Requires all of these scopes, which the session's row has: 403 `insufficient_scope` otherwise (RFC 6750 section 3.1). A
 * session without scopes may do what its user may. `orders:*` covers `orders:read`. On a class it holds for all routes,
 * those of subclasses too, beside what the route itself requires. Needs {@link JwtKnoxGuard} on the route.
 * @example
 * `class Orders { @Get() @UseGuards(JwtKnoxGuard) @Scopes('orders:read') list() {} }`
 */
export const Scopes = (...scopes: [string, ...string[]]) => requiring({ allOf: scopesGiven('Scopes', scopes) });

/**
 * Requires one of these scopes; as {@link Scopes} otherwise.
 * @example
 * `class Orders { @Get() @UseGuards(JwtKnoxGuard) @AnyScope('orders:read', 'support') list() {} }`
 */
export const AnyScope = (...scopes: [string, ...string[]]) => requiring({ anyOf: [scopesGiven('AnyScope', scopes)] });

/**
 * Requires that the user has proven their credentials within this time, at the login or by `POST reauthenticate`: 401
 * `insufficient_user_authentication` otherwise (RFC 9470). Tokens for programs and impersonations never are that fresh.
 * @param maxAge such as `'15m'`, or whole seconds
 * @example
 * `class Account { @Delete() @UseGuards(JwtKnoxGuard) @RequireFresh('15m') close() {} }`
 */
export const RequireFresh = (maxAge: Duration) => {
  const milliseconds = millisecondsOf(maxAge);
  if (!milliseconds) throw new TypeError("RequireFresh: needs a duration of more than zero, such as '15m'.");
  return requiring({ maxAge: milliseconds });
};

/**
 * Requires a login of the user: 403 `forbidden` for tokens for programs and for staff who act as the user.
 * @example
 * `class Account { @Delete() @UseGuards(JwtKnoxGuard) @RequireLogin() close() {} }`
 */
export const RequireLogin = () => requiring({ kinds: ['login'] });

/** Requires a session that a person holds: no token for a program. */
export const RequirePerson = () => requiring({ kinds: ['login', 'impersonation'] });

/**
 * Requires a session that is bound to a key of its device: 401 `binding_required` otherwise. Sessions are bound by
 * `deviceBinding` of `nestjs-jwt-knox/binding`.
 * @example
 * `class Payments { @Post() @UseGuards(JwtKnoxGuard) @RequireBound() pay() {} }`
 */
export const RequireBound = () => requiring({ bound: true });

function scopesGiven(name: string, scopes: readonly string[]): readonly string[] {
  if (scopes.length > 0 && scopes.every(isScope)) return scopes;
  throw new TypeError(`${name}: needs scopes such as 'orders:read', each a text without spaces, '"' and '\\'.`);
}

/** Several on one route add up. */
function requiring(more: Partial<RouteRights>): ClassDecorator & MethodDecorator {
  return (target: object, _name?: unknown, descriptor?: TypedPropertyDescriptor<any>) => {
    const route: object = descriptor?.value ?? target;
    const known = Reflect.getMetadata(ROUTE_RIGHTS, route) as RouteRights | undefined;
    Reflect.defineMetadata(ROUTE_RIGHTS, both(known ?? NONE, { ...NONE, ...more }), route);
  };
}

function both(one: RouteRights, other: RouteRights): RouteRights {
  const ages = [one.maxAge, other.maxAge].filter((age) => age !== null);
  return {
    allOf: [...one.allOf, ...other.allOf],
    anyOf: [...one.anyOf, ...other.anyOf],
    maxAge: ages.length === 0 ? null : Math.min(...ages),
    bound: one.bound || other.bound,
    kinds:
      one.kinds && other.kinds ? one.kinds.filter((kind) => other.kinds!.includes(kind)) : (one.kinds ?? other.kinds),
  };
}

/** Whether a handler, or a class, requires anything by its decorators. */
export function asksForRights(target: object): boolean {
  return Reflect.hasMetadata(ROUTE_RIGHTS, target);
}

/** What a route requires by its own decorators and its class's; undefined for nothing. */
export function routeRightsOf(context: ExecutionContext): RouteRights | undefined {
  const own = handlerRightsOf(context);
  const type = context.getClass();
  const ofClass = type && (Reflect.getMetadata(ROUTE_RIGHTS, type) as RouteRights | undefined);
  return own && ofClass ? both(ofClass, own) : (own ?? ofClass);
}

/** Whether what makes a route public asks for rights as well: a handler, or a class. */
export function contradictsPublic(context: ExecutionContext): boolean {
  const handler = context.getHandler();
  const isByHandler = handler && Reflect.hasMetadata(ROUTE_ACCESS, handler);
  return (isByHandler ? handlerRightsOf(context) : routeRightsOf(context)) !== undefined;
}

/** What a handler requires by its own decorators. */
function handlerRightsOf(context: ExecutionContext): RouteRights | undefined {
  const handler = context.getHandler();
  return handler && (Reflect.getMetadata(ROUTE_RIGHTS, handler) as RouteRights | undefined);
}

/**
 * What a session lacks, as the error that says so; null when it has it all.
 * @param now epoch milliseconds
 */
export function lackOf(rights: RouteRights, session: TokenSession, now: number): JwtKnoxError | null {
  if (rights.bound && session.boundKind === null) return new BindingRequiredError('not_bound');
  if (rights.kinds && !rights.kinds.includes(kindOf(session))) return new ForbiddenError(WRONG_KIND);
  const missing = rights.allOf.filter((scope) => !coversScope(session.scopes, scope));
  if (missing.length > 0) return new InsufficientScopeError(rights.allOf);
  const unmet = rights.anyOf.find((choice) => !choice.some((scope) => coversScope(session.scopes, scope)));
  if (unmet) return new InsufficientScopeError(unmet);
  if (rights.maxAge === null || isFresh(session, rights.maxAge, now)) return null;
  return new InsufficientUserAuthenticationError(rights.maxAge);
}

/** Whether the user of a session has proven their credentials within `maxAge` milliseconds before `now`. */
export function isFresh(session: TokenSession, maxAge: number, now: number): boolean {
  return kindOf(session) === 'login' && now - session.authenticatedAt <= maxAge;
}

/** A verifier that knows the token alone tells a login by the time of its proof, which other kinds of session do not have. */
function kindOf(session: TokenSession & Partial<Pick<Session, 'kind'>>): SessionKind {
  return session.kind ?? (session.authenticatedAt > 0 ? 'login' : 'program');
}
