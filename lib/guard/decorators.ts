import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { JwtKnoxRequest, RegisteredSession, RegisteredUser } from '../contracts/registered-types';
import type { Actor, Session } from '../contracts/session';
import { requestOf } from './request-context';

/** Metadata key under which a route or class says whom it lets in. */
export const ROUTE_ACCESS = 'jwt-knox:route-access';

/** `optional`: no token passes as anonymous, a bad one does not. */
export type RouteAccess = 'public' | 'optional' | 'required';

/**
 * Lets everybody in: the guard reads no token, no session and no user, and `@CurrentUser()` and `@CurrentSession()` are
 * undefined. On a class it holds for this class and not for its subclasses; on a handler, for a subclass that inherits
 * this handler too.
 * @example
 * `class Health { @Get() @Public() check() {} }`
 */
export const Public = () => SetMetadata(ROUTE_ACCESS, 'public' satisfies RouteAccess);

/**
 * Lets requests without a token in as anonymous; a bad token is still 401. A user whom something else left in
 * `request.user` does not stay there. Subclasses inherit it as they inherit `@Public()`.
 * @example
 * `class Greetings { @Get() @OptionalAuth() greet(@CurrentUser('username') username?: string) {} }`
 */
export const OptionalAuth = () => SetMetadata(ROUTE_ACCESS, 'optional' satisfies RouteAccess);

/** Metadata key under which a route or class asks for the storage's word. */
const AUTHORITATIVE = 'jwt-knox:authoritative';

/**
 * Has the guard read the session and its user from the storage, whatever `leaseCache` knows of them: for what must see a
 * change of the very moment, such as a payment. `request.user` is what `UserProvider.findById` returned there. On a class it
 * holds for all routes, those of subclasses too. Without a cache it changes nothing.
 * @example
 * `class Payments { @Post() @UseGuards(JwtKnoxGuard) @Authoritative() pay() {} }`
 */
export const Authoritative = () => SetMetadata(AUTHORITATIVE, true);

/** Whether the handler or its class says `@Authoritative()`. */
export function isAuthoritative(context: ExecutionContext): boolean {
  return isMarked(context, AUTHORITATIVE);
}

/** Whether a decorator has set this metadata to true on the handler, its class or what that extends. */
export function isMarked(context: ExecutionContext, key: string): boolean {
  return [context.getHandler(), context.getClass()].some(
    (target) => target && Reflect.getMetadata(key, target) === true,
  );
}

/**
 * Whom a route lets in by its decorators; the handler's own goes before its class's. That of a base class does not
 * count: a subclass adds routes which the base class knows nothing of.
 */
export function routeAccessOf(context: ExecutionContext): RouteAccess {
  const [handler, type] = [context.getHandler(), context.getClass()];
  return (
    // Through the prototype too: a decorator that wraps a handler makes its function inherit from the handler's.
    (handler && Reflect.getMetadata(ROUTE_ACCESS, handler)) ??
    (type && Reflect.getOwnMetadata(ROUTE_ACCESS, type)) ??
    'required'
  );
}

/** Whether a handler says `@Public()` itself, whatever its class says. */
export function isPublic(handler: object): boolean {
  return Reflect.getMetadata(ROUTE_ACCESS, handler) === ('public' satisfies RouteAccess);
}

/** The request, for who asks what the guard found there: on a public route it looked for nothing. */
function guardedRequestOf(context: ExecutionContext): Partial<JwtKnoxRequest> | undefined {
  // The client of a WebSocket has what it was given when it connected.
  const isUnread = context.getType() !== 'ws' && routeAccessOf(context) === 'public';
  return isUnread ? undefined : requestOf(context);
}

/** A decorator of parameters that accept a value: another type of the parameter is an error of the compiler. */
export type DecoratorOf<Value> = <Target extends object, Name extends keyof Target, Index extends number>(
  target: Target,
  name: Name,
  index: Target[Name] extends (...parameters: infer Parameters extends any[]) => unknown
    ? Value extends Parameters[Index]
      ? Index
      : { readonly mustAccept: Value }
    : never,
) => void;

// The types are written out: those of createParamDecorator differ between Nest 11 and 12.

/**
 * The authenticated user, as the `UserProvider` found it, or one property of it; undefined when anonymous. Its type is
 * checked once you declare that of your user in `JwtKnoxRegister`.
 * @example
 * `class Notes { @Get() mine(@CurrentUser() user: User, @CurrentUser('id') id: number) {} }`
 */
export const CurrentUser = createParamDecorator((property: string | undefined, context: ExecutionContext) => {
  const user = guardedRequestOf(context)?.user as Record<string, unknown> | undefined;
  return property === undefined ? user : user?.[property];
}) as unknown as {
  (): DecoratorOf<RegisteredUser>;
  <Property extends keyof RegisteredUser & string>(property: Property): DecoratorOf<RegisteredUser[Property]>;
};

/**
 * The `Session` of the request; undefined when anonymous. A copy: pipes may change what they are given.
 * @example
 * `class Notes { @Get() mine(@CurrentSession() session: Session) {} }`
 */
export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const session = guardedRequestOf(context)?.knox?.session;
  return session && { ...session };
}) as unknown as () => DecoratorOf<RegisteredSession>;

/**
 * Who acts as the user in this request; undefined when the user does themselves.
 * @example
 * `class Notes { @Post() write(@CurrentUser() user: User, @CurrentActor() actor?: Actor) {} }`
 */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext): Actor | undefined => {
  const session = guardedRequestOf(context)?.knox?.session as Partial<Session> | undefined;
  if (typeof session?.actorId !== 'string') return undefined;
  return { userId: session.actorId, realm: session.actorRealm ?? '', sessionId: session.actorSessionId ?? '' };
}) as unknown as () => DecoratorOf<Actor | undefined>;
