import { RequestMethod, type Type } from '@nestjs/common';
import { MetadataScanner, type ModuleRef, ModulesContainer } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory';
import type { JwtKnoxFeature } from '../contracts/feature';
import { applicationConfigOf, ModuleScope } from '../guard/nest-application';

/** Where Nest keeps what it knows of controllers and handlers; its constants are not for others. */
const [PATH, METHOD, VERSION, MODULE_PATH] = ['path', 'method', '__version__', '__module_path__'];

type NestModule = ReturnType<ModulesContainer['get']> & object;

/** A route as the adapter has it. */
export interface ServedRoute {
  readonly method: RequestMethod;
  /** With a leading slash, and with parameters such as `:id`. */
  readonly path: string;
  /** The same, as the controller has it: without what the application puts before it. */
  readonly ownPath: string;
  /** One or several, as the decorators or the application's default say; undefined for none. */
  readonly version: string | symbol | readonly (string | symbol)[] | undefined;
  readonly controller: Type;
  readonly handler: (...given: never[]) => unknown;
}

/** What the features of a module say of their routes. */
export class FeatureDescriptions {
  constructor(readonly features: readonly Required<Pick<JwtKnoxFeature, 'routes' | 'schemas'>>[]) {}
}

/** Where Nest serves a route: below the global prefix, the path of `RouterModule` and the version in the path, if any. */
export class ServedRoutes {
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  /** The path of `RouterModule` for the library's module; empty for none. */
  get modulePath(): string {
    return this.pathOfModule(this.own);
  }

  /** Where a route without a version is served. */
  pathOf(method: RequestMethod, path: string): string {
    return this.pathsOf({ ctrlPath: plain(path), modulePath: this.modulePath }, method)[0]!;
  }

  /** Every route of the library's module, or of another one, at every path that it is served at. */
  all(module: NestModule = this.own): ServedRoute[] {
    const modulePath = this.pathOfModule(module);
    return Array.from(module.controllers.values()).flatMap(({ metatype }) =>
      this.routesOf(metatype as Type, modulePath),
    );
  }

  private pathOfModule({ metatype }: NestModule): string {
    const { applicationId } = this.modules as { applicationId?: string };
    return (
      Reflect.getMetadata(MODULE_PATH + applicationId!, metatype) ?? Reflect.getMetadata(MODULE_PATH!, metatype) ?? ''
    );
  }

  private routesOf(controller: Type, modulePath: string): ServedRoute[] {
    const prototype = controller.prototype as Record<string, ServedRoute['handler']>;
    const handlers = new MetadataScanner().getAllMethodNames(prototype).map((name) => prototype[name]!);
    return handlers
      .filter((handler) => Reflect.hasMetadata(PATH!, handler))
      .flatMap((handler) => {
        const method: RequestMethod = Reflect.getMetadata(METHOD!, handler);
        const versions = {
          methodVersion: Reflect.getMetadata(VERSION!, handler),
          controllerVersion: Reflect.getMetadata(VERSION!, controller) ?? this.config?.getVersioning()?.defaultVersion,
        };
        const version = versions.methodVersion ?? versions.controllerVersion;
        const own = plainPathsOf(controller).flatMap((ctrlPath) =>
          plainPathsOf(handler).map((methodPath) => ({ ctrlPath, methodPath })),
        );
        return own.flatMap((place) => {
          const ownPath = place.ctrlPath + place.methodPath || '/';
          const paths = this.pathsOf({ ...place, ...versions, modulePath }, method);
          return paths.map((path) => ({ method, path, ownPath, version, controller, handler }));
        });
      });
  }

  private pathsOf(route: object, method: RequestMethod): string[] {
    const { config } = this;
    const placed = {
      ...route,
      globalPrefix: plain(config?.getGlobalPrefix() ?? ''),
      versioningOptions: config?.getVersioning(),
    };
    return new RoutePathFactory(config!).create(placed, method);
  }

  private get modules(): ModulesContainer {
    return this.#moduleRef.get(ModulesContainer, { strict: false });
  }

  /** The module of the library that this belongs to. */
  private get own(): NestModule {
    const scope = this.#moduleRef.get(ModuleScope);
    return Array.from(this.modules.values()).find((one) => one.providers.get(ModuleScope)?.instance === scope)!;
  }

  private get config() {
    return applicationConfigOf(this.#moduleRef);
  }
}

function plainPathsOf(target: object): string[] {
  return [Reflect.getMetadata(PATH!, target) as string | string[]].flat().map(plain);
}

/** With a leading slash, and none at the end or twice; empty for nothing. */
function plain(path: string): string {
  return path
    .split('/')
    .filter(Boolean)
    .map((part) => `/${part}`)
    .join('');
}
