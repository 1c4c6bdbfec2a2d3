import { Readable } from 'node:stream';
import { KafkaContext, MqttContext, NatsContext, RedisContext, RmqContext, TcpContext } from '@nestjs/microservices';

/** What a transport carries beside the payload. */
export interface MessageHeaders {
  /** Belongs to this message and to no other. */
  readonly carrier: object;
  /** Name and value of each, in the order of the transport; a name may stand there more than once. */
  readonly entries: readonly (readonly [string, unknown])[];
  /** Why there can be none, and what to do; undefined where there can be. */
  readonly lack?: string | undefined;
  /** How to send a token, where that is not plain. */
  readonly hint?: string | undefined;
  /** The class of gRPC's metadata, where this is a call of gRPC. */
  readonly Metadata?: (new () => GrpcMetadata) | undefined;
  /** Ends a call whose handler is given the call alone: Nest lets nobody catch what is thrown before such a handler. */
  readonly end?: ((error: object) => void) | undefined;
}

/** What this needs of `Metadata` of @grpc/grpc-js, which is your application's. */
export interface GrpcMetadata {
  get(name: string): unknown[];
  set(name: string, value: string): void;
  getMap(): Record<string, unknown>;
  clone(): this;
}

/** What this needs of `MsgHdrs` of the client of NATS, which is your application's. */
export interface NatsHeaders extends Iterable<[string, string[]]> {
  append(name: string, value: string): void;
}

const without = (transport: string) =>
  `Nest's ${transport} transport carries no headers, so that no access token can come with a message, and none is read ` +
  'from a payload: use NATS, RabbitMQ, Kafka, MQTT 5 or gRPC.';

const UNKNOWN =
  'MicroserviceContextReader does not know this transport, and reads no access token from a payload: extend the reader, ' +
  'and name your class as contextReader in the module.';

const OLD_MQTT =
  'Authentication is required: send an access token as the user property authorization, with protocolVersion: 5 in the ' +
  'options of client and server.';

/** The headers of a message: of what the transport made, never of what the sender wrote into the payload. */
export function headersOf(args: readonly unknown[]): MessageHeaders | undefined {
  const [first, carrier, call] = args;
  if (carrier instanceof NatsContext) return { carrier, entries: repeated(carrier.getHeaders() ?? []) };
  if (carrier instanceof RmqContext) return { carrier, entries: membersOf(carrier.getMessage()?.properties?.headers) };
  if (carrier instanceof KafkaContext) return { carrier, entries: membersOf(carrier.getMessage()?.headers) };
  if (carrier instanceof MqttContext) return ofMqtt(carrier);
  if (carrier instanceof TcpContext) return { carrier, entries: [], lack: without('TCP') };
  if (carrier instanceof RedisContext) return { carrier, entries: [], lack: without('Redis') };
  if (isMetadata(carrier)) return ofGrpc(Object(call) === call ? (call as object) : carrier, carrier);
  // @GrpcStreamCall() handlers are given the call alone; no payload is a stream of Node's.
  const metadata = first instanceof Readable && (first as { metadata?: unknown }).metadata;
  if (isMetadata(metadata)) return { ...ofGrpc(first as Readable, metadata), end: endOf(first as Readable, carrier) };
  return typeof carrier === 'object' && carrier !== null ? { carrier, entries: [], lack: UNKNOWN } : undefined;
}

function ofMqtt(carrier: MqttContext): MessageHeaders {
  const properties: unknown = carrier.getPacket()?.properties;
  const { userProperties } = Object(properties) as { userProperties?: unknown };
  return { carrier, entries: membersOf(userProperties), hint: userProperties ? undefined : OLD_MQTT };
}

function ofGrpc(carrier: object, metadata: GrpcMetadata): MessageHeaders {
  const names = Object.keys(metadata.getMap());
  const entries = names.flatMap((name) => metadata.get(name).map((value) => [name, value] as const));
  return { carrier, entries, Metadata: metadata.constructor as new () => GrpcMetadata };
}

/** A call that is answered by a stream is told by that, another one by its callback. */
function endOf(call: Readable, callback: unknown): (error: object) => void {
  return (error) => {
    if (typeof callback === 'function') callback(error);
    else call.emit('error', error);
  };
}

export function isMetadata(value: unknown): value is GrpcMetadata {
  const { get, getMap, clone } = Object(value) as Partial<GrpcMetadata>;
  return [get, getMap, clone].every((method) => typeof method === 'function');
}

/** The members of an object, each value of a list for itself. */
function membersOf(object: unknown): [string, unknown][] {
  return repeated(Object.entries(Object(object) as object));
}

function repeated(entries: Iterable<[string, unknown]>): [string, unknown][] {
  return Array.from(entries).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one: unknown): [string, unknown] => [
      name,
      Buffer.isBuffer(one) ? one.toString() : one,
    ]),
  );
}
