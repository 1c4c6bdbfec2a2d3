import type { RouteDescription } from '../contracts/feature';
import { answer, HEADERS, httpErrorSchema, type Refusal, refusalAnswer } from './answers';
import { ACCESS_REFUSED, BINDING_REFUSED, type CoreRoute } from './core-routes';
import type { DocumentDraft, Part } from './document-draft';
import type { MountedModule } from './mounted-modules';
import { ERROR } from './schemas';
import { requirementsOf, type SecurityNames, tokenRequirements } from './security';

/** What the operations of one module share. */
export interface OperationContext {
  readonly draft: DocumentDraft<any>;
  readonly mounted: MountedModule;
  readonly security: SecurityNames;
  readonly schemas: Readonly<Record<string, Part>>;
  readonly tag: string;
  /** What the ids of the operations begin with. */
  readonly idPrefix: string;
}

const text = { type: 'string' };
const userId = { type: 'string', minLength: 1, maxLength: 255 };
const QUERY: Readonly<Record<string, Part>> = {
  limit: { type: 'integer', minimum: 1, maximum: 100, default: 100 },
  before: { type: 'string', format: 'date-time' },
  before_id: { type: 'string', format: 'uuid' },
  user_id: userId,
};
const HEADER: Readonly<Record<string, Part>> = { 'Idempotency-Key': { type: 'string', minLength: 1, maxLength: 128 } };
const SAFE = ['GET', 'HEAD'];
const EVENTS = 'text/event-stream';

const BY_AUTH: Readonly<Record<RouteDescription['auth'], Readonly<Record<number, readonly string[]>>>> = {
  public: {},
  access: { 401: ACCESS_REFUSED },
  optional: { 401: ['invalid_token', 'token_expired', ...BINDING_REFUSED] },
  admin: { 401: ACCESS_REFUSED, 403: ['forbidden'] },
  client: { 400: ['unauthorized_client'], 401: ['invalid_client'] },
};

/** The operation of a route of the library. @param hasGuards whether guards of the application stand before it */
export function coreOperation(route: CoreRoute, context: OperationContext, hasGuards: boolean): Part {
  const { security } = context;
  const ownWays = route.id === 'logout' ? [...security.access, ...security.refresh] : security.refresh;
  const readsTokens = route.id === 'refresh' || route.id === 'logout';
  return {
    ...described(route, context, route.id),
    security: readsTokens ? tokenRequirements(ownWays) : requirementsOf(route.auth, security),
    responses: {
      ...successes(route, context, { success: headersOf(route, context), refusal: HEADERS.noStore }),
      ...refusals(route, context),
      ...(hasGuards && { 429: answer('The application lets in no more for now.', null) }),
    },
  };
}

/** The operation of a route of a feature; what it does not describe, it does not say. */
export function featureOperation(route: RouteDescription, context: OperationContext, id: string): Part {
  const own = successes(route, context, { success: {}, refusal: {} });
  const usual = refusals(route, context);
  return {
    ...described(route, context, id),
    security: requirementsOf(route.auth, context.security),
    responses: isOfPages(route) ? { ...own, ...toldBefore(own, context) } : { ...usual, ...own },
  };
}

function isOfPages({ responseType }: RouteDescription): boolean {
  return responseType !== undefined && !['application/json', EVENTS].includes(responseType);
}

/** Pages tell by pages what goes wrong; but for what goes wrong before, in the framework. */
function toldBefore(own: Part, { draft }: OperationContext): Part {
  const schema = draft.schema('JwtKnoxError', ERROR);
  const both = ([status, { content, ...rest }]: [string, Part]) => {
    return [status, { ...rest, content: { ...content, 'application/json': { schema } } }];
  };
  const before = Object.entries(own as Record<string, Part>).filter(([status]) =>
    ['400', '413', '415'].includes(status),
  );
  return Object.fromEntries(before.map(both));
}

function described(route: RouteDescription & Partial<CoreRoute>, context: OperationContext, id: string): Part {
  const { path, summary, request, requestType = 'application/json', query = [], required = [], headers = [] } = route;
  const parameters = [
    ...Array.from(path.matchAll(/:(\w+)/g), ([, name]) => parameter('path', name!, name === 'user_id' ? userId : text)),
    ...query.map((name) => parameter('query', name, QUERY[name] ?? text, required.includes(name))),
    ...headers.map((name) => parameter('header', name, HEADER[name]!, false)),
  ];
  const isOptional = route.isBodyOptional || (id === 'refresh' && context.security.refresh.length > 0);
  const content = request !== undefined && { [requestType]: { schema: schemaNamed(request, context) } };
  return {
    operationId: `${context.idPrefix}_${id}`,
    tags: [context.tag],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(content && { requestBody: { required: !isOptional, content } }),
  };
}

function parameter(place: string, name: string, schema: Part, required = true): Part {
  return { name, in: place, required, schema };
}

/** @param headers those of the answer to what succeeds, and of a refusal that the route describes itself */
function successes(
  { id, responses, responseType: type = 'application/json' }: RouteDescription & Partial<CoreRoute>,
  context: OperationContext,
  headers: { success: Part; refusal: Part },
): Part {
  // Without refresh tokens, the route refuses all.
  const isDead = id === 'refresh' && context.mounted.options.refresh === null;
  const entries = Object.entries(responses).filter(([status]) => !(isDead && status === '200'));
  return Object.fromEntries(
    entries.map(([status, name]) => {
      const shown = Number(status) >= 400 ? headers.refusal : headers.success;
      const schema = name === null ? null : schemaNamed(name, context);
      // What refuses a stream is none.
      const isRefusal = Number(status) >= 400 && type === EVENTS;
      const told = { headers: shown, type: isRefusal ? 'application/json' : type };
      return [status, answer(titleOf(Number(status), name), schema, told)];
    }),
  );
}

function titleOf(status: number, name: string | null): string {
  if (status === 404) return 'There is none, or it is not yours.';
  if (status >= 400) return 'Refused.';
  if (status >= 300) return 'Go on there.';
  return name === null ? 'Done.' : 'The answer.';
}

function headersOf({ answers, auth }: CoreRoute, { security }: OperationContext): Part {
  const hasCookies = security.refresh.length > 0;
  if (answers === 'cacheable') return HEADERS.cacheable;
  if (answers === 'stream') return HEADERS.stream;
  return {
    ...HEADERS.noStore,
    ...((answers === 'tokens' || auth === 'client') && HEADERS.pragma),
    ...(answers === 'page' && HEADERS.link),
    ...(hasCookies && (answers === 'tokens' || answers === 'ended') && HEADERS.cookies),
  };
}

/** All codes of a route by status, each with the answer that tells it. */
function refusals(route: RouteDescription & Partial<CoreRoute>, context: OperationContext): Part {
  const { draft, mounted } = context;
  const { auth, codes = {}, isWellKnown = false, answers } = route;
  const all: Record<number, string[]> = {
    400: ['invalid_request'],
    413: ['invalid_request'],
    415: ['invalid_request'],
  };
  const add = (status: number, added: readonly string[]) => {
    if (added.length > 0) all[status] = [...new Set([...(all[status] ?? []), ...added])];
  };
  for (const [status, added] of [...Object.entries(BY_AUTH[auth]), ...Object.entries(codes)]) {
    const { limitPerUser, onLimit } = mounted.options.session;
    // Tokens for programs always have a limit.
    const isLimited = auth !== 'public' || (limitPerUser !== null && onLimit === 'reject');
    add(Number(status), isLimited ? added : added.filter((code: string) => code !== 'session_limit_reached'));
  }
  const checksOrigin = mounted.transport.cookies !== null && !SAFE.includes(route.method);
  // Of the public ones, those that hand tokens out or take them back.
  const isChecked = auth === 'public' ? answers === 'tokens' || answers === 'ended' : auth !== 'client';
  if (checksOrigin && isChecked) add(403, ['cross_origin_refused']);
  if (!isWellKnown) add(503, ['storage_unavailable', 'too_busy']);
  const entries = Object.entries(all).map(([status, given]) => {
    const form: Refusal['form'] =
      auth === 'client' && Number(status) < 500 ? 'oauth' : given.includes('invalid_target') ? 'both' : 'usual';
    return [status, refusalAnswer(draft, { status: Number(status), codes: given, form, isPrivate: true })];
  });
  return Object.fromEntries(entries);
}

/** A schema by its name: a reference where it has one in the document; any value for one that nobody describes. */
function schemaNamed(name: string, context: OperationContext): Part {
  const { draft, schemas } = context;
  const schema = schemas[name];
  if (!schema) return name === 'HttpError' ? httpErrorSchema(draft) : {};
  const resolved = withReferences(schema, context) as Part;
  return resolved.type === 'array' ? resolved : draft.schema(`JwtKnox${name}`, resolved);
}

/** A copy in which schemas that others name are references. */
function withReferences(part: unknown, context: OperationContext): unknown {
  if (Array.isArray(part)) return part.map((one) => withReferences(one, context));
  if (typeof part !== 'object' || part === null) return part;
  const { $name } = part as { $name?: unknown };
  if (typeof $name === 'string') return schemaNamed($name, context);
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, withReferences(value, context)]));
}
