import { type ExecutionContext, Injectable } from '@nestjs/common';
import { cleanText, type Device, type Presenter } from '../contracts/device';
import { MissingTokenError } from '../contracts/errors';
import { shownProofOf } from '../contracts/shown-proof';

/**
 * What the library knows of an execution context.
 * @example
 * return new RequestContext(request, response); // in `read` of your RequestContextReader
 */
export class RequestContext {
  /** Whether the route says `@AllowCrossOrigin()`; set by the guard. */
  allowsCrossOrigin = false;

  /** Whether the route says `@Authoritative()`; set by the guard. */
  isAuthoritative = false;

  /** Whether the transport has admitted the request; set by the library. */
  isAdmitted = false;

  constructor(
    /** The request, whose `headers` carry the credential and on which `user` and `knox` are set; undefined for none. */
    readonly request: any,
    /** What headers are set on; undefined where there is none. */
    readonly response?: any,
    /**
     * The object that lives for one request, and no longer: what was found out about the request is kept with it. Null
     * where there is none; a socket, and the context of GraphQL over one, outlive a logout.
     */
    readonly lifetime: object | null = null,
  ) {}

  /** Who sends the request. */
  get presenter(): Presenter {
    return presenterOf(this.request);
  }

  /** What the guard throws, or a promise of it, for an error that refuses the request: what its sender can learn from. */
  refusalOf(error: unknown): unknown {
    return error;
  }
}

/**
 * Finds the request in an execution context: for the guard, the decorators and the error headers alike. Reads HTTP,
 * GraphQL contexts of the shape `{ req, res }`, and the clients of WebSockets. Extend it for other contexts, and name the
 * class as the extra `contextReader`. Return the same request whenever the same context is read.
 * @example
 * class NatsReader extends RequestContextReader {
 *   override read(context: ExecutionContext): RequestContext {
 *     return context.getType() === 'rpc' ? new RequestContext(context.switchToRpc().getContext()) : super.read(context);
 *   }
 * }
 */
@Injectable()
export class RequestContextReader {
  read(context: ExecutionContext): RequestContext {
    const type = context.getType<string>();
    if (type === 'http') return httpContext(context);
    if (type === 'graphql') return graphqlContext(context);
    // In `ws` this is the client. Elsewhere it is a message, which is no request, whatever its sender made it look like.
    return new RequestContext(type === 'ws' ? context.getArgByIndex(0) : undefined);
  }
}

const DEFAULT_READER = new RequestContextReader();

/** Which reader to read a handler's context with: kept with the request, the client or the message. */
const READERS = Symbol('jwt-knox.readers');
type Readers = Map<unknown, RequestContextReader>;

/** Reads a context as the guard of its handler did. Decorators have no injector, so the guard leaves its reader there. */
export function requestContextOf(context: ExecutionContext): RequestContext {
  const readers = carrierOf(context)?.[READERS] as Readers | undefined;
  return (readers?.get(context.getHandler()) ?? DEFAULT_READER).read(context);
}

/**
 * The request behind an execution context, as the guard of its handler finds it; undefined where there is none.
 * @example
 * const Username = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context)?.user?.username);
 */
export function requestOf(context: ExecutionContext): any {
  return requestContextOf(context).request;
}

/** Reads a context, and leaves the reader there for whoever reads it after. */
export function readAndLeave(context: ExecutionContext, reader: RequestContextReader): RequestContext {
  const found: unknown = reader.read(context);
  // Without a response, nothing forbids caches to store tokens: what has the request alone is not taken for a context.
  if (!(found instanceof RequestContext)) {
    throw new TypeError(`${reader.constructor.name}.read must return a RequestContext.`);
  }
  leaveReader(context, reader);
  if (reader.constructor !== RequestContextReader && reader.read(context).request !== found.request) {
    throw new TypeError(
      `${reader.constructor.name}.read must return the same request whenever it reads the same context.`,
    );
  }
  return found;
}

/**
 * Leaves a reader for whoever reads the context after. The reader and not what it read: messages of one socket run beside
 * each other, and must not find each other's requests.
 */
export function leaveReader(context: ExecutionContext, reader: RequestContextReader): void {
  const carrier = carrierOf(context);
  const readers = carrier?.[READERS] as Readers | undefined;
  // The usual case: nothing is written to the request.
  if (reader.constructor === RequestContextReader) {
    readers?.delete(context.getHandler());
  } else if (readers) {
    readers.set(context.getHandler(), reader);
  } else if (carrier) {
    const value: Readers = new Map([[context.getHandler(), reader]]);
    Reflect.defineProperty(carrier, READERS, { value, configurable: true });
  }
}

/** The argument of a handler that belongs to one request, client or message, whichever guards and decorators look. */
function carrierOf(context: ExecutionContext): any {
  const type = context.getType<string>();
  if (type === 'http' || type === 'ws') return context.getArgByIndex(0);
  if (type === 'graphql') return context.getArgByIndex(2);
  const isObject = (one: unknown) => typeof one === 'object' && one !== null;
  const [first, ...others] = context.getArgs<any[]>();
  // A payload comes first, and is not written to; what its sender wrote is no stream of gRPC's either.
  const ofSender = type === 'rpc' && typeof first?.pipe !== 'function';
  return others.findLast(isObject) ?? (isObject(first) && !ofSender ? first : undefined);
}

/** Why a handler whose context has no request to read a token from is refused. */
export function missingRequestIn(context: ExecutionContext): MissingTokenError {
  const type = context.getType<string>();
  if (type === 'ws') {
    return new MissingTokenError(
      'JwtKnoxGuard finds no token and no headers in the client of this WebSocket: authenticate in handleConnection and ' +
        'write @Public() on the gateway, or return the request that opened the socket from a RequestContextReader, named as ' +
        'contextReader in the module.',
    );
  }
  if (isToldByNest(context)) return new MissingTokenError();
  return new MissingTokenError(
    `JwtKnoxGuard cannot find the request in a context of type '${type}': extend RequestContextReader to read it, and ` +
      'name your class as contextReader in the module.',
  );
}

/** Whether a context has a request that headers can be read from; the client of a WebSocket has none as a rule. */
export function hasHeaders(context: ExecutionContext, request: any): boolean {
  if (typeof request !== 'object' || request === null) return false;
  return context.getType() !== 'ws' || request.headers !== undefined;
}

/** Whether Nest tells the sender why they were refused; of a message it says "Internal server error", to the log nothing. */
export function isToldByNest(context: ExecutionContext): boolean {
  const type = context.getType<string>();
  return type === 'http' || type === 'graphql';
}

function httpContext(context: ExecutionContext): RequestContext {
  const request: unknown = context.getArgByIndex(0);
  return new RequestContext(request, context.getArgByIndex(1), typeof request === 'object' ? request : null);
}

/** GraphQL's context is the third argument of a resolver; read so, nobody needs @nestjs/graphql. */
function graphqlContext(context: ExecutionContext): RequestContext {
  const { req: request, res } = context.getArgByIndex(2) ?? {};
  const isShort = typeof request === 'object' && request !== null && !isStreamed(context) && endsWithItsAnswer(request);
  return new RequestContext(request, res ?? request?.res, isShort ? request : null);
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
  const proof = shownProofOf(request);
  const userAgent = request.headers?.['user-agent'] ?? null;
  const ip = request.ip ?? null;
  return proof ? { userAgent, ip, proof } : { userAgent, ip };
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
