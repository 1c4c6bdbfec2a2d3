import { Controller, type Type, UseGuards } from '@nestjs/common';
import { HostChallenge } from '../guard/error-headers.interceptor';
import { guardsIn, type RouteGuard, routesOf } from '../options/extras';
import type { JwtKnoxExtras } from '../options/options';
import type { JwtKnoxRouteGuards } from '../options/route-options';
import { AdminController } from './admin.controller';
import { LogoutController, LogoutOthersController, RefreshController } from './auth.controller';
import { GuardedLoginController, LoginController } from './login.controller';
import { LoginArrivalGuard } from './login-arrival.guard';
import { guardedAs } from './knox-routes';
import { IntrospectController, RevokeController } from './oauth.controller';
import { NewProgramTokenController, ProgramTokensController } from './program-tokens.controller';
import { GuardedReauthenticateController, ReauthenticateController } from './reauthenticate.controller';
import { DebugController, TokenStatusController } from './token-status.controller';
import { RevocationsController } from './revocations.controller';
import { JwksController, MetadataController, WELL_KNOWN } from './well-known.controller';

/** Where Nest keeps the path of a controller. */
const PATH_METADATA = 'path';

/** The controllers of a module and of its features, each below its path, behind the guards that you put before it. */
export function controllersOf(extras: JwtKnoxExtras, added: readonly Type[]): Type[] {
  const { routes, userProvider } = extras;
  const loginGuards = guardsIn(extras.loginGuards);
  const { prefix, session, tokens, admin, oauth, metadata, jwks, revocations, debug } = routesOf(routes);
  const guards = (routes && routes.guards) || {};
  const guarded = (controller: Type, route: keyof JwtKnoxRouteGuards) =>
    mountAt(controller, prefix, ...guardsBefore(guardsIn(guards[route])));
  const controllers: Type[] = [];
  if (session && userProvider) {
    controllers.push(
      loginGuards.length > 0
        ? mountAt(
            GuardedLoginController,
            prefix,
            UseGuards(...guardsIn(guards.login), LoginArrivalGuard, ...loginGuards),
          )
        : guarded(LoginController, 'login'),
    );
  }
  if (session && userProvider) controllers.push(reauthentication(prefix, guards, loginGuards));
  if (tokens && session && userProvider) {
    const proof = guardsBefore(guardsOf(guards, 'reauthenticate'));
    controllers.push(mountAt(ProgramTokensController, prefix), mountAt(NewProgramTokenController, prefix, ...proof));
  }
  if (session) controllers.push(guarded(RefreshController, 'refresh'), guarded(LogoutController, 'logout'));
  if (session) controllers.push(mountAt(LogoutOthersController, prefix), mountAt(TokenStatusController, prefix));
  if (admin && userProvider) controllers.push(mountAt(AdminController, prefix));
  if (debug) controllers.push(mountAt(DebugController, prefix));
  if (oauth) controllers.push(guarded(IntrospectController, 'introspect'), guarded(RevokeController, 'revoke'));
  if (revocations) controllers.push(mountAt(RevocationsController, prefix));
  if (metadata) controllers.push(mountAt(MetadataController, WELL_KNOWN));
  if (jwks) controllers.push(mountAt(JwksController, WELL_KNOWN));
  if (routes !== false) {
    for (const one of added) {
      const route = guardedAs(one);
      controllers.push(mountAt(one, below(prefix, one), ...guardsBefore(route ? guardsOf(guards, route) : [])));
    }
  }
  return controllers;
}

function reauthentication(prefix: string, guards: JwtKnoxRouteGuards, loginGuards: readonly RouteGuard[]): Type {
  const before = guardsOf(guards, 'reauthenticate');
  if (loginGuards.length === 0) return mountAt(ReauthenticateController, prefix, ...guardsBefore(before));
  return mountAt(GuardedReauthenticateController, prefix, UseGuards(...before, ...loginGuards));
}

/** Your guards of a route. Whatever takes a password is throttled as the login is, unless it has guards of its own. */
function guardsOf(guards: JwtKnoxRouteGuards, route: keyof JwtKnoxRouteGuards): readonly RouteGuard[] {
  return guardsIn(guards[route] ?? (route === 'reauthenticate' ? guards.login : undefined));
}

/** They run after `no-store`, and before whatever the library does on a route. */
function guardsBefore(guards: readonly RouteGuard[]): ClassDecorator[] {
  return guards.length > 0 ? [UseGuards(HostChallenge, ...guards)] : [];
}

/** A subclass with a path: two modules, or two applications in one process, mount the same routes under their own. */
function mountAt(base: Type, path: string | string[], ...decorators: ClassDecorator[]): Type {
  const controller = { [base.name]: class extends base {} }[base.name]!;
  Controller(path)(controller);
  // What holds for a class and not for its subclasses, such as @Public(), its version and its scope, holds for this one.
  for (const key of Reflect.getOwnMetadataKeys(base).filter((one) => one !== PATH_METADATA)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, base), controller);
  }
  for (const decorate of decorators) decorate(controller);
  return controller;
}

/** The paths that a controller names itself, below a prefix. */
function below(prefix: string, controller: Type): string[] {
  const own = Reflect.getMetadata(PATH_METADATA, controller) as string | string[];
  // A slash twice would be a path that no client asks for.
  return [own].flat().map((path) => `${prefix}/${path}`.split('/').filter(Boolean).join('/'));
}
