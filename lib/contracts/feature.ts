import type { FactoryProvider, ModuleMetadata, Provider, Type } from '@nestjs/common';
import type { SessionRepository } from './session.repository';
import type { TokenTransport } from './token-transport';
import type { UserProvider } from './user-provider';

/** Who may call a route; `optional`: anybody, and a user who is logged in is known. */
export type RouteAuthentication = 'public' | 'access' | 'optional' | 'admin' | 'client';

/** What a route is, in data: enough to describe it in an OpenAPI document. */
export interface RouteDescription {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `routes.prefix`, without a leading slash, e.g. `devices/:id`. */
  path: string;
  /** One sentence, in the active voice. */
  summary: string;
  auth: RouteAuthentication;
  /** Name of the schema of the body that the route takes. */
  request?: string | undefined;
  /** Media type of that body. @default 'application/json' */
  requestType?: string | undefined;
  /** The answers, by status: the name of the body's schema, or null for no body. */
  responses: Record<number, string | null>;
  /** Media type of their bodies. @default 'application/json' */
  responseType?: string | undefined;
  /** Names of the parameters in the query that may be sent. */
  query?: readonly string[] | undefined;
}

/** What a feature learns of the module that it is added to, before that starts. */
export interface FeatureSettings {
  /** The option `transport`; undefined for the default. */
  readonly transport: TokenTransport | undefined;
  readonly userProvider: Type<UserProvider> | undefined;
  /** Whether guards of your own authenticate the login, in place of username and password. */
  readonly hasLoginGuards: boolean;
  /** The option `publicOrigin`, as a list; empty where there is none. */
  readonly publicOrigins: readonly string[];
  /** False with `routes: false`: then no controller is served. */
  readonly hasRoutes: boolean;
}

/**
 * An addition to `JwtKnoxModule`, for the extra `features`. Its providers and controllers are part of that module: they
 * inject `TokenService`, `SessionRepository` and all else that the library provides.
 *
 * @example
 * const devices: JwtKnoxFeature = {
 *   name: 'devices',
 *   providers: [DeviceNames],
 *   controllers: [DevicesController], // @Controller('devices') is served at auth/devices
 *   routes: [
 *     { method: 'GET', path: 'devices', summary: 'Lists devices.', auth: 'access', responses: { 200: 'Devices' } },
 *   ],
 * };
 * JwtKnoxModule.forRoot({ secret, features: [devices] });
 */
export interface JwtKnoxFeature {
  /** Unique among the features of a module: lowercase letters, digits and hyphens. */
  name: string;
  /** Modules that export what the providers and controllers inject. */
  imports?: ModuleMetadata['imports'] | undefined;
  providers?: Provider[] | undefined;
  /** Served below `routes.prefix`, at their own path; not at all with `routes: false`. */
  controllers?: Type[] | undefined;
  /** The same, with `routes.admin` only. */
  adminControllers?: Type[] | undefined;
  /** The same, with a `userProvider` only. */
  userControllers?: Type[] | undefined;
  /** The same, with `routes.tokens` only. */
  tokenControllers?: Type[] | undefined;
  /**
   * Puts a repository in front of the storage's: the module, and your application, inject what the factory returns. It is
   * called with the storage's repository and what it injects. At most one feature of a module has one.
   */
  repository?:
    | {
        inject?: FactoryProvider['inject'] | undefined;
        useFactory: (stored: SessionRepository, ...injected: any[]) => SessionRepository;
      }
    | undefined;
  /** Whether the module hears of ends in every process by it, which `routes.revocations` rests on. @default false */
  hearsEnds?: boolean | undefined;
  /** What `JwtKnoxModule` exports beside its own. */
  exports?: ModuleMetadata['exports'] | undefined;
  /** What the controllers serve; empty where there are none. */
  routes: RouteDescription[];
  /** The schemas that {@link routes} name, as OpenAPI 3.0 has them. One that is not here may be any value. */
  schemas?: Readonly<Record<string, object>> | undefined;
  /** What the feature misses in the module, each with its remedy: told with all other problems, and the start fails. */
  problems?: ((settings: FeatureSettings) => readonly string[]) | undefined;
}
