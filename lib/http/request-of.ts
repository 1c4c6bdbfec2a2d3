import type { ExecutionContext } from '@nestjs/common';
import type { Device, Presenter } from '../contracts/session';

/** The request behind an execution context: the one place that knows where each kind of context keeps it. */
export function requestOf(context: ExecutionContext): any {
  // GraphQL's context is the third argument of a resolver; read so, nobody needs @nestjs/graphql.
  if (context.getType<string>() === 'graphql') return context.getArgByIndex(2)?.req;
  return context.switchToHttp().getRequest();
}

/** The response behind an execution context; undefined where there is none. */
export function responseOf(context: ExecutionContext): any {
  if (context.getType<string>() !== 'graphql') return context.switchToHttp().getResponse();
  const { res, req } = context.getArgByIndex(2) ?? {};
  return res ?? req?.res;
}

/**
 * An object that lives for one request, and no longer: what was found out about the request may be kept with it. Null
 * where there is none; the client of a WebSocket outlives its logout.
 */
export function requestLifetimeOf(context: ExecutionContext): object | null {
  const type = context.getType<string>();
  const lifetime: unknown = type === 'graphql' ? context.getArgByIndex(2) : type === 'http' ? requestOf(context) : null;
  return typeof lifetime === 'object' ? lifetime : null;
}

/** Who sends a request. The address is the one that the framework trusts (`trust proxy`), never a header. */
export function presenterOf(request: any): Presenter {
  return { userAgent: request.headers?.['user-agent'] ?? null, ip: request.ip ?? null };
}

/** The device that sends a login. */
export function deviceOf(request: any, deviceName?: string): Device {
  return { ...presenterOf(request), deviceName };
}
