import { RpcException } from '@nestjs/microservices';
import { JwtKnoxError, MissingTokenError } from '../contracts/errors';
import type { Presenter } from '../contracts/device';
import { line } from '../contracts/log-line';
import { RequestContext } from '../guard/request-context';
import { ThrottledLogger } from '../sessions/throttled-logger';
import type { MessageHeaders } from './message-headers';

/** Headers of a message that are read; RFC 9110 section 5.1: whatever the case of their letters. */
const READ = ['authorization', 'user-agent'];

/**
 * What the guard has for a request where a message is handled: its headers, and the user and session once they are known.
 * Nothing of the payload.
 */
export class MessageRequest {
  /** Name in small letters and value; the first one of several. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Name, value, name, value, … of all that were sent, so that two credentials are noticed. */
  readonly rawHeaders: readonly unknown[];
  /** Set by the guard. */
  user?: unknown;
  /** Set by the guard: `{ session, claims }`. */
  knox?: unknown;

  constructor({ entries }: Pick<MessageHeaders, 'entries'>) {
    const read = entries
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => READ.includes(name));
    this.headers = Object.fromEntries(read.toReversed());
    this.rawHeaders = read.flat();
  }
}

/** https://grpc.io/docs/guides/status-codes, by the status of HTTP. */
const GRPC_STATUS: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 413: 8, 503: 14 };
const GRPC_UNKNOWN = 2;
const LOG = new ThrottledLogger('JwtKnox');

/** A message, and how its sender learns why it was refused. */
export class MessageContext extends RequestContext {
  declare readonly request: MessageRequest;
  readonly #headers: MessageHeaders;

  constructor(request: MessageRequest, headers: MessageHeaders) {
    // A message is handled once: its guards share what they find out.
    super(request, undefined, request);
    this.#headers = headers;
  }

  override get presenter(): Presenter {
    const userAgent = this.request.headers['user-agent'];
    return { userAgent: typeof userAgent === 'string' ? userAgent : null, ip: null };
  }

  /** Nest tells senders what an RpcException says, and of every other error "Internal server error". */
  override refusalOf(error: unknown): unknown {
    const { end } = this.#headers;
    const refusal = error instanceof JwtKnoxError ? this.#rpcExceptionOf(error) : error;
    if (!end) return refusal;
    if (refusal !== error) end((refusal as RpcException).getError() as object);
    else {
      LOG.write('error', line('call-refused', 'A call of gRPC was refused'), error);
      end({ code: GRPC_UNKNOWN, message: 'Internal server error' });
    }
    // Thrown, it would end the process. Nobody waits for this: it is forgotten with the call.
    return new Promise(() => undefined);
  }

  #rpcExceptionOf(error: JwtKnoxError): RpcException {
    const { code, status } = error;
    const { lack, hint, Metadata } = this.#headers;
    let { message } = error;
    if (error instanceof MissingTokenError) {
      message = lack ?? hint ?? message;
      // An event has no answer that would tell.
      if (lack) LOG.write('warn', line('message-refused', 'A message was refused'), new MissingTokenError(lack));
    }
    if (Metadata === undefined) return new RpcException({ code, status, message });
    const metadata = new Metadata();
    metadata.set('error-code', code);
    return new RpcException({ code: GRPC_STATUS[status] ?? GRPC_UNKNOWN, status, message, metadata });
  }
}
