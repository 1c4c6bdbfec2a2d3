import { type ExecutionContext, Injectable } from '@nestjs/common';
import { RequestContext, RequestContextReader } from '../guard/request-context';
import { MessageContext, MessageRequest } from './message-context';
import { headersOf } from './message-headers';

/** Where a message keeps its request, however often its context is read: what belongs to it is let go of with it. */
const REQUEST = Symbol('jwt-knox.request');

/**
 * Lets `JwtKnoxGuard` and the decorators work in the handlers of messages, beside those of HTTP and GraphQL: name it as
 * the extra `contextReader` of the module. The access token is read from the header `authorization` (`Bearer …`) of NATS,
 * RabbitMQ or Kafka, from the user property of MQTT 5 or the metadata of gRPC; never from the payload. A refusal is an
 * `RpcException` of `{ code, status, message }`; over gRPC `code` is the status code of gRPC, and the metadata
 * `error-code` is the code.
 * @example
 * JwtKnoxVerifierModule.forRoot({ issuer, audience: 'orders', jwks: {}, contextReader: MicroserviceContextReader });
 */
@Injectable()
export class MicroserviceContextReader extends RequestContextReader {
  override read(context: ExecutionContext): RequestContext {
    if (context.getType() !== 'rpc') return super.read(context);
    const headers = headersOf(context.getArgs());
    if (headers === undefined) return new RequestContext(undefined);
    const known: unknown = (headers.carrier as Record<symbol, unknown>)[REQUEST];
    const request = known instanceof MessageRequest ? known : new MessageRequest(headers);
    if (request !== known) Reflect.defineProperty(headers.carrier, REQUEST, { value: request });
    return new MessageContext(request, headers);
  }
}
