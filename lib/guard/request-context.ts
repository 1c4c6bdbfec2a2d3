import type { ExecutionContext } from '@nestjs/common';
import { cleanText, type Device, type Presenter } from '../contracts/device';

/** The request behind an execution context: the one place that knows where each kind of context keeps it. */
export function requestOf(context: ExecutionContext): any {
  const type = context.getType<string>();
  // GraphQL's context is the third argument of a resolver; read so, nobody needs @nestjs/graphql.
  if (type === 'graphql') return context.getArgByIndex(2)?.req;
  // In `ws` this is the client. Elsewhere it is a message, which is no request, whatever its sender made it look like.
  return type === 'http' || type === 'ws' ? context.getArgByIndex(0) : undefined;
}

/** The response behind an execution context; undefined where there is none. */
export function responseOf(context: ExecutionContext): any {
  const type = context.getType<string>();
  if (type === 'http') return context.switchToHttp().getResponse();
  if (type !== 'graphql') return undefined;
  const { res, req } = context.getArgByIndex(2) ?? {};
  return res ?? req?.res;
}

/**
 * The object that lives for one request, and no longer: what was found out about the request may be kept with it. Null
 * where there is none; the client of a WebSocket, and the context of GraphQL over one, outlive a logout.
 * @param request what the guard found in the context
 */
export function requestLifetimeOf(context: ExecutionContext, request: object): object | null {
  const type = context.getType<string>();
  if (type === 'graphql') return isStreamed(context) || !endsWithItsAnswer(request) ? null : request;
  const lifetime: unknown = type === 'http' ? requestOf(context) : null;
  return typeof lifetime === 'object' ? lifetime : null;
}

/** Whether this is an HTTP request that is over when it is answered; the one that opened a socket is not. */
function endsWithItsAnswer(request: any): boolean {
  const { httpVersion, method, headers } = request.raw ?? request;
  // What a host made up from a socket's parameters has no version. RFC 8441: over HTTP/2, CONNECT opens a socket.
  return typeof httpVersion === 'string' && method !== 'CONNECT' && headers?.upgrade === undefined;
}

/** A subscription's resolvers are called for every event, over HTTP (as server-sent events) as well as over sockets. */
function isStreamed(context: ExecutionContext): boolean {
  return context.getArgByIndex(3)?.operation?.operation === 'subscription';
}

/** Who sends a request. The address is the one that the framework trusts (`trust proxy`), never a header. */
export function presenterOf(request: any): Presenter {
  return { userAgent: request.headers?.['user-agent'] ?? null, ip: request.ip ?? null };
}

/** The device that sends a login. */
export function deviceOf(request: any, deviceName?: string): Device {
  return { ...presenterOf(request), deviceName };
}

const PATH_LIMIT = 512;

/**
 * The path that was asked for: percent-encoded as it was sent, without query and fragment, at most 512 characters. A
 * target in absolute form (RFC 9112 section 3.2.2) loses its origin, which may carry credentials.
 */
export function pathOf(request: any): string {
  const target = String(request.originalUrl ?? request.url).replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  return cleanText(target.split(/[?#]/, 1)[0], PATH_LIMIT) ?? '/';
}
