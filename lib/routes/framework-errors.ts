import { HttpStatus, RequestMethod } from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import { setHeader } from '../guard/error-headers.interceptor';
import type { ServedRoute } from './served-routes';

const { BAD_REQUEST, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE } = HttpStatus;

/** What is said of a body that the framework could not read; its own words may quote the body. */
const MESSAGES = {
  [BAD_REQUEST]: 'The body cannot be read: it is malformed or incomplete.',
  [PAYLOAD_TOO_LARGE]: 'The body is too large.',
  [UNSUPPORTED_MEDIA_TYPE]: 'The content type, charset or encoding of the body is not supported.',
};

const FORM = 'application/x-www-form-urlencoded';

/** Whose errors are told as RFC 6749 section 5.2 has it. */
const OF_OAUTH = /\/(?:introspect|revoke)\/?$/;

/** Has errors that the framework raises before a route of the library begins told by the library: with a code, no echo. */
export class FrameworkErrors {
  readonly #routes: readonly { method: string; path: string; pattern: RegExp }[];

  constructor(routes: readonly ServedRoute[]) {
    this.#routes = routes.map(({ method, path }) => ({
      method: RequestMethod[method],
      path,
      pattern: patternOf(path),
    }));
  }

  /** Before Nest's own handler of errors is added, and after all that may raise one. */
  listenToExpress(adapter: { use(layer: unknown): unknown }): void {
    adapter.use((error: unknown, request: any, response: any, next: (error: unknown) => void) => {
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const isOwn = this.#routes.some((one) => one.method === method && one.pattern.test(request.path));
      next(isOwn ? told(error, request.path, response) : error);
    });
  }

  /** Before the routes are added. */
  listenToFastify(instance: { addHook(name: 'onRoute', hook: (route: any) => void): unknown }): void {
    instance.addHook('onRoute', (route) => {
      const methods = [route.method].flat() as string[];
      if (!this.#routes.some(({ method, path }) => methods.includes(method) && path === route.url)) return;
      route.onRequest = [ignoreTypeOfNothing, route.onRequest ?? []].flat();
      route.errorHandler = (error: unknown, _request: unknown, reply: unknown) => {
        // On to Nest's handler, and the filters of the host.
        throw told(error, route.url, reply);
      };
    });
  }
}

/** Many clients name the type of a body that they do not send; Fastify would refuse empty JSON. A form may be empty. */
function ignoreTypeOfNothing({ raw }: any, _reply: unknown, done: () => void): void {
  const { headers } = raw;
  const isEmpty =
    // HTTP/2 has no chunks: a body without a length is one unless the headers were the end.
    raw.httpVersionMajor < 2 ? headers['transfer-encoding'] === undefined : raw.stream?.endAfterHeaders === true;
  const isForm = headers['content-type']?.startsWith(FORM) === true;
  if (isEmpty && !isForm && Number(headers['content-length'] ?? 0) === 0) delete headers['content-type'];
  done();
}

/** The error to tell in place of one that the framework raised; of the host's own, that one. */
function told(error: any, path: string, response: unknown): unknown {
  const status = statusOf(error);
  if (status === null) return error;
  setHeader(response, 'Cache-Control', 'no-store');
  const name = OF_OAUTH.test(path) ? 'invalid_request' : undefined;
  if (error instanceof URIError) return new InvalidRequestError('The path is not well-formed.', status, name);
  return new InvalidRequestError(MESSAGES[status], status, name);
}

function statusOf(error: any): keyof typeof MESSAGES | null {
  const status = Number(error?.status ?? error?.statusCode);
  if (!Object.hasOwn(MESSAGES, status)) return null;
  const { type, code } = error as { type?: unknown; code?: unknown };
  const isOfParser =
    // body-parser and raw-body name what is wrong by `type`, Fastify by `code`; a client that hung up has a code of Node's.
    (typeof type === 'string' && /^(?:entity|encoding|charset|request|parameters|querystring)\./.test(type)) ||
    (typeof code === 'string' && /^(?:FST_ERR_CTP_|ECONNRESET$)/.test(code)) ||
    error instanceof SyntaxError ||
    error instanceof URIError ||
    // Nest's own parser of forms on Fastify has an exception as handlers throw it.
    error?.message === 'Object contains forbidden prototype property';
  return isOfParser ? (status as keyof typeof MESSAGES) : null;
}

/** As Express compares paths: in any case, with a slash at the end or without. */
function patternOf(path: string): RegExp {
  const parts = path.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}/?$`, 'i');
}
