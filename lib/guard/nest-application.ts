import { type ApplicationConfig, HttpAdapterHost, type ModuleRef, ModulesContainer } from '@nestjs/core';

type NestModule = ReturnType<ModulesContainer['get']> & object;

/** Where Nest keeps the guards of a class or handler. */
const GUARDS = '__guards__';

/** Where it keeps the path of a route, and of a handler which messages of microservices and of sockets it takes. */
const [PATH, PATTERN, SOCKET_MESSAGE] = ['path', 'microservices:pattern', 'websockets:message_mapping'];

/** How far a module of the library reaches into its application. */
export class ModuleScope {
  readonly isGlobal: boolean;
  readonly guardsAll: boolean;
  /** For messages. */
  readonly title: string;

  constructor(
    readonly moduleName: string,
    extras: { isGlobal?: boolean; guard?: string; realm?: string },
  ) {
    this.isGlobal = extras.isGlobal ?? true;
    this.guardsAll = extras.guard === 'global';
    this.title = extras.realm ? `${moduleName} of realm '${extras.realm}'` : moduleName;
  }
}

/** Whether this module is the first of the library in its application, which warns of what concerns all of it. */
export function speaksForAll(moduleRef: ModuleRef): boolean {
  const [first] = modulesOf(moduleRef);
  return first !== undefined && scopeOf(first) === moduleRef.get(ModuleScope);
}

/** The modules of the library in one application. */
export function modulesOf(moduleRef: ModuleRef): NestModule[] {
  const modules = moduleRef.get(ModulesContainer, { strict: false });
  return [...modules.values()].filter(
    (one) => (one.providers.get(ModuleScope)?.instance as unknown) instanceof ModuleScope,
  );
}

export function scopeOf(module: NestModule): ModuleScope {
  return module.providers.get(ModuleScope)!.instance as ModuleScope;
}

/** Nest gives its configuration to nobody by injection; undefined where an application has none. */
export function applicationConfigOf(moduleRef: ModuleRef): ApplicationConfig | undefined {
  return moduleRef['container'].applicationConfig;
}

/** What `@UseGuards` says of a class or handler. */
export function guardsOn(target: object): unknown[] {
  return Reflect.getMetadata(GUARDS, target) ?? [];
}

/** Tells whether somebody may call a handler: nobody calls any in a process that serves nothing, such as a job. */
export function servedBy(moduleRef: ModuleRef): (handler: object) => boolean {
  const has = (key: string) => (handler: object) => Reflect.hasMetadata(key, handler);
  const [isRoute, takesMessages, takesSocketMessages] = [has(PATH), has(PATTERN), has(SOCKET_MESSAGE)];
  const hasMicroservices = takesCalls(moduleRef);
  if (moduleRef.get(HttpAdapterHost, { strict: false }).httpAdapter)
    return (handler) => hasMicroservices || isRoute(handler) || !takesMessages(handler);
  if (!hasMicroservices) return () => false;
  return (handler) => takesMessages(handler) || takesSocketMessages(handler);
}

/** Whether the process is a microservice, or has one. Nest before 11.1.4 does not say so: there it is false. */
function takesCalls(moduleRef: ModuleRef): boolean {
  const modules: Partial<ModulesContainer> = moduleRef.get(ModulesContainer, { strict: false });
  let servers = 0;
  const counting = modules.getRpcTargetRegistry?.().subscribe(() => servers++);
  counting?.unsubscribe();
  return servers > 0;
}
