import type { JwtKnoxFeature } from '../contracts/feature';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options';

/** What all features add together; nothing where one is malformed, which is told with all other problems. */
export function featurePartsOf({
  features = [],
  routes,
  userProvider,
}: Pick<JwtKnoxExtras, 'features' | 'routes' | 'userProvider'>) {
  const hasAdmin = routes !== false && routes?.admin === true;
  const hasTokens = routes !== false && routes?.tokens === true;
  const sound = listProblems(features).length === 0 ? features : [];
  return {
    imports: sound.flatMap((feature) => feature.imports ?? []),
    providers: sound.flatMap((feature) => feature.providers ?? []),
    controllers: sound.flatMap(
      ({ controllers = [], adminControllers = [], userControllers = [], tokenControllers = [] }) => [
        ...controllers,
        ...(userProvider ? userControllers : []),
        ...(hasAdmin ? adminControllers : []),
        ...(hasTokens ? tokenControllers : []),
      ],
    ),
    exports: sound.flatMap((feature) => feature.exports ?? []),
    repository: sound.find((feature) => feature.repository)?.repository,
    descriptions: sound.map(({ routes: described, schemas = {} }) => ({ routes: described ?? [], schemas })),
  };
}

function listProblems(features: unknown): string[] {
  if (features === undefined) return [];
  if (!Array.isArray(features)) return ["features: must be a list, such as [{ name: 'devices', routes: [] }]."];
  if (features.some((one) => typeof one === 'function')) {
    return ['features: each is what a function such as leaseCache(…) returns, and not the function; call it.'];
  }
  const names = features.map((one: unknown) => (Object(one) as { name?: unknown }).name);
  const isNamed = names.every((name) => typeof name === 'string' && /^[a-z][a-z0-9-]*$/.test(name));
  if (!isNamed)
    return ["features: each needs a name of lowercase letters, digits and hyphens, such as 'devices'; set it."];
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  const fronts = (features as JwtKnoxFeature[]).filter(({ repository }) => repository).map(({ name }) => `'${name}'`);
  if (fronts.length > 1) {
    return [`features: ${fronts.join(' and ')} each put a repository in front of the storage; leave all but one out.`];
  }
  const problems = [...twice].map((name) => `features: '${String(name)}' is listed twice; leave one of the two out.`);
  return [...problems, ...(features as JwtKnoxFeature[]).flatMap(controllerProblems)];
}

/** What is wrong with the features themselves, else what they find missing in their module. */
export function featureProblems(
  extras: JwtKnoxExtras,
  { transport, publicOrigin = [] }: Partial<JwtKnoxOptions>,
): string[] {
  const { features = [], userProvider, loginGuards, routes } = extras;
  const malformed = listProblems(features);
  if (malformed.length > 0) return malformed;
  const hasLoginGuards = Array.isArray(loginGuards) && loginGuards.length > 0;
  const publicOrigins = [publicOrigin].flat();
  const settings = { transport, userProvider, hasLoginGuards, publicOrigins, hasRoutes: routes !== false };
  return features.flatMap((feature) => feature.problems?.(settings) ?? []);
}

/** Without a path of its own, or undefined because files import each other, it would be served nowhere. */
function controllerProblems({
  name,
  controllers = [],
  adminControllers = [],
  userControllers = [],
  tokenControllers = [],
}: JwtKnoxFeature): string[] {
  const isController = (one: unknown) => typeof one === 'function' && Reflect.hasMetadata('path', one);
  const lists: unknown[] = [controllers, adminControllers, userControllers, tokenControllers];
  if (lists.every((list) => Array.isArray(list) && list.every(isController))) return [];
  return [`features: the controllers of '${name}' must be a list of classes with @Controller(); correct the list.`];
}
