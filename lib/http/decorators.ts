import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { requestOf } from './request-of';

/** Metadata key under which a route or class says whom it lets in. */
export const ROUTE_ACCESS = 'jwt-knox:route-access';

/** `optional`: no token passes as anonymous, a bad one does not. */
export type RouteAccess = 'public' | 'optional' | 'required';

/** Lets everybody in: the guard reads no token, no session and no user. */
export const Public = () => SetMetadata(ROUTE_ACCESS, 'public' satisfies RouteAccess);

/** Lets requests without a token in as anonymous; a bad token is still 401. */
export const OptionalAuth = () => SetMetadata(ROUTE_ACCESS, 'optional' satisfies RouteAccess);

// The types are written out: those of createParamDecorator differ between Nest 11 and 12.

/** The authenticated user, as the `UserProvider` found it, or one property of it; undefined when anonymous. */
export const CurrentUser: (property?: string) => ParameterDecorator = createParamDecorator(
  (property: string | undefined, context: ExecutionContext) => {
    const user = requestOf(context)?.user;
    return property === undefined ? user : user?.[property];
  },
);

/** The `Session` of the request; undefined when anonymous. */
export const CurrentSession: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext) => requestOf(context)?.knox?.session,
);
