import { type INestApplication, RequestMethod, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { HostChallenge } from '../guard/error-headers.interceptor';
import { guardsOn } from '../guard/nest-application';
import { GuardedLoginController } from '../routes/login.controller';
import type { ServedRoute } from '../routes/served-routes';
import { MetadataController, WELL_KNOWN } from '../routes/well-known.controller';
import type { RouteDescription } from '../contracts/feature';
import { answer, HEADERS } from './answers';
import { CORE_ROUTES, type CoreRoute } from './core-routes';
import { DocumentDraft, type OpenApiDocument, type Part } from './document-draft';
import { type Door, GuardedRoutes } from './guarded-routes';
import { type MountedModule, mountedModules } from './mounted-modules';
import { coreOperation, featureOperation, type OperationContext } from './operations';
import { coreSchemas } from './schemas';
import { securityOf } from './security';

/**
 * Returns your OpenAPI document with the routes of the library that your application serves: paths, parameters, bodies,
 * answers, errors and security. Your own routes behind `JwtKnoxGuard` get their security and refusals. Call it after
 * `setGlobalPrefix` and `enableVersioning`; the given document stays as it is.
 * @param document OpenAPI 3.0 or 3.1, from `SwaggerModule.createDocument`
 * @throws JwtKnoxConfigurationError for an application without a module of the library
 * @example
 * const document = describeJwtKnox(app, SwaggerModule.createDocument(app, config));
 * SwaggerModule.setup('docs', app, document);
 */
export function describeJwtKnox<Document extends OpenApiDocument>(
  app: Pick<INestApplication, 'get'>,
  document: Document,
): Document {
  const modules = mountedModules(app);
  const draft = new DocumentDraft(document, modules[0]!.globalPrefix);
  const doors: Door[] = modules.map((mounted) => ({ mounted, security: securityOf(draft, mounted) }));
  for (const door of doors) if (!door.mounted.isVerifier) describeModule(door, draft);
  new GuardedRoutes(app, doors, draft).mark();
  return draft.finish();
}

function describeModule({ mounted, security }: Door, draft: DocumentDraft<any>): void {
  const { served, options, features, transport } = mounted;
  const { prefix, usernameField } = options.routes;
  const routes = served.all();
  const hasLoginGuards = routes.some(({ controller }) => isA(controller, GuardedLoginController));
  const schemas = coreSchemas({
    usernameField,
    hasLoginGuards,
    isSingleToken: options.refresh === null,
    hasCookies: transport.cookies !== null,
    body: transport.body,
  });
  const name = plain(prefix).slice(1) || 'auth';
  const tag = draft.tag(name, 'Sessions and tokens.');
  const idPrefix = name.replaceAll(/\W+/g, '_');
  const context = { draft, mounted, security, schemas, tag, idPrefix };
  const featureRoutes = features.flatMap((feature) =>
    feature.routes.map((route) => ({
      route,
      context: { ...context, schemas: feature.schemas as Record<string, Part> },
    })),
  );
  for (const one of routes) {
    const core = CORE_ROUTES.find((route) => isServed(route, placeOf(route, mounted), one));
    const added = featureRoutes.find(({ route }) => isServed(route, plain(`${prefix}/${route.path}`), one));
    if (added) describeFeature(added.route, one, added.context);
    else if (core) describeCore(core, one, context);
    else if (isA(one.controller, MetadataController)) draft.remove(methodOf(one), one.path);
  }
}

function describeCore(route: CoreRoute, served: ServedRoute, context: OperationContext): void {
  const { draft, mounted } = context;
  const guards = guardsOn(served.controller);
  const { responses, ...operation } = coreOperation(route, context, guards.includes(HostChallenge));
  const ofGuards = isA(served.controller, GuardedLoginController) && {
    401: answer('As your guards answer.', {}, { headers: { ...HEADERS.noStore, ...HEADERS.challenge } }),
  };
  const path = route.id === 'metadata' ? issuersPath(served.path, mounted.options.issuer) : served.path;
  put({ ...operation, responses: { ...responses, ...ofGuards } }, { ...served, path }, context);
  if (path !== served.path) draft.remove(methodOf(served), served.path);
}

function describeFeature(route: RouteDescription, served: ServedRoute, context: OperationContext): void {
  const id = `${route.method.toLowerCase()}_${route.path.replaceAll(/\W+/g, '_')}`;
  put(featureOperation(route, context, id), served, context);
}

function put(operation: Part, served: ServedRoute, { draft, mounted }: OperationContext): void {
  const versions = [served.version ?? []].flat().filter((one) => typeof one === 'string');
  const header = {
    name: mounted.versionHeader,
    in: 'header',
    required: true,
    schema: { type: 'string', enum: versions },
  };
  const isVersioned = header.name !== undefined && versions.length > 0 && !isNeutral(served);
  const parameters = [...((operation.parameters as Part[] | undefined) ?? []), ...(isVersioned ? [header] : [])];
  draft.operation(methodOf(served), served.path, { ...operation, ...(parameters.length > 0 && { parameters }) });
}

function isNeutral({ version }: ServedRoute): boolean {
  return [version].flat().includes(VERSION_NEUTRAL as symbol);
}

function isServed({ method }: { method: string }, place: string, { method: served, ownPath }: ServedRoute): boolean {
  return RequestMethod[served] === method && ownPath === place;
}

/** Where the controllers of the library have a route. */
function placeOf({ id, path, isWellKnown }: CoreRoute, { options }: MountedModule): string {
  if (!isWellKnown) return plain(`${options.routes.prefix}/${path}`);
  const ends = id === 'metadata' ? segmentsOf(options.issuer).map((_, index) => `/:${'abcd'[index]!}`) : [];
  return `/${WELL_KNOWN}/${path}${ends.join('')}`;
}

/** RFC 8414 section 3.1: the issuer's own path comes last. */
function issuersPath(path: string, issuer: string | undefined): string {
  return segmentsOf(issuer).reduce((found, segment, index) => found.replace(`:${'abcd'[index]!}`, segment), path);
}

function segmentsOf(issuer: string | undefined): string[] {
  return issuer === undefined ? [] : new URL(issuer).pathname.split('/').filter(Boolean);
}

function methodOf({ method }: ServedRoute): string {
  return RequestMethod[method].toLowerCase();
}

function plain(path: string): string {
  return `/${path.split('/').filter(Boolean).join('/')}`;
}

/** Whether a controller is that of the library, mounted at a path. */
function isA(controller: Type, base: Type): boolean {
  return Object.getPrototypeOf(controller) === base;
}
