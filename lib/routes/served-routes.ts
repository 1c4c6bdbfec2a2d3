import { RequestMethod, type Type } from '@nestjs/common';
import { MetadataScanner, type ModuleRef, ModulesContainer } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory';
import { ModuleScope } from '../guard/competing-modules';

/** Where Nest keeps what it knows of controllers and handlers; its constants are not for others. */
const [PATH, METHOD, VERSION, MODULE_PATH] = ['path', 'method', '__version__', '__module_path__'];

/** A route as the adapter has it. */
export interface ServedRoute {
  readonly method: RequestMethod;
  /** With a leading slash, and with parameters such as `:id`. */
  readonly path: string;
}

/** Where Nest serves a route: below the global prefix, the path of `RouterModule` and the version in the path, if any. */
export class ServedRoutes {
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  /** The path of `RouterModule` for the library's module; empty for none. */
  get modulePath(): string {
    const { applicationId } = this.modules as { applicationId?: string };
    const { metatype } = this.own;
    return (
      Reflect.getMetadata(MODULE_PATH + applicationId!, metatype) ?? Reflect.getMetadata(MODULE_PATH!, metatype) ?? ''
    );
  }

  /** Where a route without a version is served. */
  pathOf(method: RequestMethod, path: string): string {
    return this.pathsOf({ ctrlPath: plain(path) }, method)[0]!;
  }

  /** Every route of the library's module, at every path that it is served at. */
  all(): ServedRoute[] {
    return Array.from(this.own.controllers.values()).flatMap(({ metatype }) => this.routesOf(metatype as Type));
  }

  private routesOf(controller: Type): ServedRoute[] {
    const prototype = controller.prototype as object;
    const handlers = new MetadataScanner()
      .getAllMethodNames(prototype)
      .map((name) => prototype[name as never] as object);
    return handlers
      .filter((handler) => Reflect.hasMetadata(PATH!, handler))
      .flatMap((handler) => {
        const method: RequestMethod = Reflect.getMetadata(METHOD!, handler);
        const versions = {
          methodVersion: Reflect.getMetadata(VERSION!, handler),
          controllerVersion: Reflect.getMetadata(VERSION!, controller) ?? this.config?.getVersioning()?.defaultVersion,
        };
        const paths = [Reflect.getMetadata(PATH!, controller) as string | string[]].flat().flatMap((ctrlPath) => {
          const methodPaths = [Reflect.getMetadata(PATH!, handler) as string | string[]].flat();
          return methodPaths.flatMap((methodPath) =>
            this.pathsOf({ ctrlPath: plain(ctrlPath), methodPath: plain(methodPath), ...versions }, method),
          );
        });
        return paths.map((path) => ({ method, path }));
      });
  }

  private pathsOf(route: object, method: RequestMethod): string[] {
    const { config } = this;
    const placed = {
      ...route,
      modulePath: this.modulePath,
      globalPrefix: plain(config?.getGlobalPrefix() ?? ''),
      versioningOptions: config?.getVersioning(),
    };
    return new RoutePathFactory(config!).create(placed, method);
  }

  private get modules(): ModulesContainer {
    return this.#moduleRef.get(ModulesContainer, { strict: false });
  }

  /** The module of the library that this belongs to. */
  private get own() {
    const scope = this.#moduleRef.get(ModuleScope);
    return Array.from(this.modules.values()).find((one) => one.providers.get(ModuleScope)?.instance === scope)!;
  }

  /** Nest gives its configuration to nobody by injection. */
  private get config() {
    return this.#moduleRef['container'].applicationConfig;
  }
}

/** With a leading slash, and none at the end or twice; empty for nothing. */
function plain(path: string): string {
  return path
    .split('/')
    .filter(Boolean)
    .map((part) => `/${part}`)
    .join('');
}
