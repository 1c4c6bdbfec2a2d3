import { Logger, type Type } from '@nestjs/common';
import { MetadataScanner, type ModuleRef, ModulesContainer } from '@nestjs/core';
import { line } from '../contracts/log-line';
import { isPublic } from './decorators';
import { applicationConfigOf, guardsOn, servedBy, speaksForAll } from './nest-application';
import { asksForRights } from './route-rights';

/**
 * Warns of handlers that ask for rights and have no guard, of their own, of their class or of all: everybody may call them.
 * What a guard of the application does cannot be told from outside: each is taken for one that checks.
 */
export function warnOfUnguardedHandlers(moduleRef: ModuleRef): void {
  if (!speaksForAll(moduleRef) || hasGlobalGuards(moduleRef)) return;
  const modules = [...moduleRef.get(ModulesContainer, { strict: false }).values()];
  const wrappers = modules.flatMap(({ controllers, providers }) => [...controllers.values(), ...providers.values()]);
  const isServed = servedBy(moduleRef);
  const names = [...new Set(wrappers.map(({ metatype }) => metatype))].flatMap((type) => unguardedOf(type, isServed));
  if (names.length === 0) return;
  new Logger('JwtKnox').warn(
    line(
      'rights-unchecked',
      `Rights are required that no guard checks, so everybody may call ${names.join(', ')}. Add ` +
        "@UseGuards(JwtKnoxGuard) to the handler or its class, or set guard: 'global'.",
    ),
  );
}

function hasGlobalGuards(moduleRef: ModuleRef): boolean {
  const config = applicationConfigOf(moduleRef);
  return !!config && config.getGlobalGuards().length + config.getGlobalRequestGuards().length > 0;
}

/** By name, the handlers of a class; of what a provider is without being a class, none. */
function unguardedOf(type: unknown, isServed: (handler: object) => boolean): string[] {
  const { prototype, name } = (type ?? {}) as Partial<Type>;
  if (!prototype || isGuarded(type as object)) return [];
  const methods = prototype as Record<string, object>;
  const isOfClass = asksForRights(type as object);
  return new MetadataScanner()
    .getAllMethodNames(prototype)
    .filter((method) => {
      const handler = methods[method]!;
      const asks = asksForRights(handler) || (isOfClass && isHandler(handler) && !isPublic(handler));
      return asks && isServed(handler) && !isGuarded(handler);
    })
    .map((method) => `${name}.${method}`);
}

const isGuarded = (target: object): boolean => guardsOn(target).length > 0;

/** Decorators make a method one: TypeScript's own entries beside them say nothing. */
const isHandler = (method: object): boolean =>
  Reflect.getMetadataKeys(method).some((key) => !String(key).startsWith('design:'));
