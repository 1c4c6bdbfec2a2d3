import { type ExecutionContext, type INestApplication, RequestMethod, type Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type RouteAccess, routeAccessOf } from '../guard/decorators';
import { JwtKnoxGuard } from '../guard/jwt-knox.guard';
import { guardsOn } from '../guard/nest-application';
import type { ServedRoute } from '../routes/served-routes';
import { refusalAnswer } from './answers';
import { API_JWT_KNOX, type ApiJwtKnoxOptions } from './api-jwt-knox.decorator';
import type { DocumentDraft, Part } from './document-draft';
import { allModules, type MountedModule } from './mounted-modules';
import { ACCESS_REFUSED } from './core-routes';
import { requirementsOf, type SecurityNames } from './security';

type NestModule = ReturnType<ModulesContainer['get']> & object;

const METHODS = ['get', 'post', 'put', 'delete', 'patch', 'options', 'head', 'search', 'trace'];
const SAFE = ['get', 'head', 'options', 'trace'];

/** A module of the library, and what its tokens are called in the document. */
export interface Door {
  readonly mounted: MountedModule;
  readonly security: SecurityNames;
}

/** Marks the routes of the application that a token opens. */
export class GuardedRoutes {
  readonly #app: Pick<INestApplication, 'get'>;
  readonly #doors: readonly Door[];
  readonly #draft: DocumentDraft<any>;

  constructor(app: Pick<INestApplication, 'get'>, doors: readonly Door[], draft: DocumentDraft<any>) {
    this.#app = app;
    this.#doors = doors;
    this.#draft = draft;
  }

  mark(): void {
    const { served } = this.#doors[0]!.mounted;
    const own = new Set(this.#doors.map(({ mounted }) => mounted.module));
    const modules = allModules(this.#app).filter((module) => !own.has(module));
    for (const module of modules) for (const route of served.all(module)) this.markRoute(route, module);
  }

  private markRoute(route: ServedRoute, module: NestModule): void {
    const { controller, handler, method, path } = route;
    const said = (Reflect.getMetadata(API_JWT_KNOX, handler) ?? Reflect.getMetadata(API_JWT_KNOX, controller)) as
      ApiJwtKnoxOptions | undefined;
    const door = said ? this.doorOfRealm(said.realm) : this.doorBefore(route, module);
    if (!door) return;
    const context = { getHandler: () => handler, getClass: () => controller } as unknown as ExecutionContext;
    const access = said ? (said.optional ? 'optional' : 'required') : routeAccessOf(context);
    const methods = method === RequestMethod.ALL ? METHODS : [RequestMethod[method].toLowerCase()];
    for (const one of methods)
      this.#draft.amend(one, path, (operation) => this.marked(operation, access, { ...door, method: one }));
  }

  private marked(operation: Part, access: RouteAccess, { mounted, security, method }: Door & { method: string }): Part {
    if (access === 'public') return { security: [], ...operation };
    const { isVerifier, transport } = mounted;
    const unavailable = [...(isVerifier ? ['issuer_unavailable'] : []), 'storage_unavailable', 'too_busy'];
    const refusal = (status: number, codes: readonly string[]) => ({
      [status]: refusalAnswer(this.#draft, { status, codes, form: 'usual', isPrivate: true }),
    });
    const refusals = {
      ...refusal(401, access === 'optional' ? ACCESS_REFUSED.slice(1) : ACCESS_REFUSED),
      ...(transport.cookies && !SAFE.includes(method) && refusal(403, ['cross_origin_refused'])),
      ...refusal(503, unavailable),
    };
    const auth = access === 'optional' ? 'optional' : 'access';
    // What the application says itself stays.
    return {
      security: requirementsOf(auth, security),
      ...operation,
      responses: { ...refusals, ...operation.responses },
    };
  }

  private doorOfRealm(realm: string | undefined): Door | undefined {
    return realm === undefined ? this.#doors[0] : this.#doors.find(({ mounted }) => mounted.realm === realm);
  }

  /** The module whose guard a request meets: that of the handler, of the class, or of all routes. */
  private doorBefore({ controller, handler }: ServedRoute, module: NestModule): Door | undefined {
    const named = [handler, controller].flatMap(guardsOn);
    const found = named.map((one) => this.guardOf(one, module)).find((one) => one !== null);
    const guard = found ?? this.globalGuards.find((one) => one instanceof JwtKnoxGuard);
    if (guard === undefined) return undefined;
    const authenticator = guard instanceof JwtKnoxGuard ? guard['authenticator'] : undefined;
    // A guard that is made for each request has no instance to ask.
    return this.#doors.find(({ mounted }) => mounted.authenticator === authenticator) ?? this.#doors[0];
  }

  /** Null for another guard. */
  private guardOf(guard: unknown, module: NestModule): object | null {
    if (guard instanceof JwtKnoxGuard) return guard;
    const isClass = typeof guard === 'function' && (guard === JwtKnoxGuard || guard.prototype instanceof JwtKnoxGuard);
    if (!isClass) return null;
    return (module.injectables.get(guard as Type)?.instance as object | null) ?? {};
  }

  private get globalGuards(): readonly unknown[] {
    return this.#doors[0]!.mounted.globalGuards;
  }
}
