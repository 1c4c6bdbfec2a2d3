import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { headers as natsHeaders } from '@nats-io/transport-node';
import type { Type } from '@nestjs/common';
import {
  ClientProxyFactory, type ClientGrpcProxy, type ClientProxy, GrpcMethod, MessagePattern, type MicroserviceOptions, MqttRecordBuilder,
  NatsRecordBuilder, RmqRecordBuilder, Transport,
} from '@nestjs/microservices'; // prettier-ignore
import { firstValueFrom, type Observable } from 'rxjs';
import { withToken } from '../../lib/microservices';
import { somePort } from '../host/free-port';
import { BROKERS } from './brokers';
import { messageHandlers } from './message-handlers';

/** Names and values of headers; a name may stand there twice. */
export type Pairs = [string, string][];

/** What the sender of a message learns. */
export type Reply = Record<string, any>;

/** A way for messages into an application. */
export interface Door {
  handlers: Type;
  options: MicroserviceOptions;
  connect(): Promise<Sender>;
}

export interface Sender {
  /** Sends a message with these headers: what was answered, or `{ refused: { code, status, message } }`. */
  ask(name: string, headers: Pairs, payload?: unknown): Promise<Reply>;
  /** The same with a token, as users of the library send it. */
  askWith(name: string, token: string, payload?: unknown): Promise<Reply>;
  close(): Promise<void>;
}

const listed = (pairs: Pairs): Record<string, string | string[]> =>
  Object.fromEntries(
    pairs.map(([name]) => {
      const values = pairs.filter(([other]) => other === name).map(([, value]) => value);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );

async function replyOf(answer$: Observable<any>): Promise<Reply> {
  return firstValueFrom(answer$).catch((refused: unknown) => ({ refused }));
}

/** A door of Nest's clients that send a record to a pattern. */
function patternDoor(
  prefix: string,
  options: (queue: string) => MicroserviceOptions,
  record: (payload: any, pairs: Pairs) => any,
): Door {
  const settings = options(prefix);
  return {
    handlers: messageHandlers((name) => MessagePattern(`${prefix}/${name}`)),
    options: settings,
    async connect() {
      const client = ClientProxyFactory.create(settings as any) as unknown as ClientProxy;
      await client.connect();
      const send = (name: string, sent: unknown) => replyOf(client.send(`${prefix}/${name}`, sent));
      return {
        ask: (name, headers, payload = {}) => send(name, record(payload, headers)),
        askWith: (name, token, payload = {}) => send(name, withToken(record(payload, []), token)),
        close: async () => void (await client.close()),
      };
    },
  };
}

const newPrefix = () => `jwt-knox-${randomBytes(6).toString('hex')}`;

export const doors = {
  NATS: () =>
    patternDoor(
      newPrefix(),
      () => ({ transport: Transport.NATS, options: { servers: [BROKERS.nats] } }),
      (payload, pairs) => {
        const headers = natsHeaders();
        for (const [name, value] of pairs) headers.append(name, value);
        return new NatsRecordBuilder(payload).setHeaders(headers).build();
      },
    ),
  RabbitMQ: () =>
    patternDoor(
      newPrefix(),
      (queue) => ({
        transport: Transport.RMQ,
        options: { urls: [BROKERS.rabbitmq], queue, queueOptions: { durable: false, autoDelete: true } },
      }),
      (payload, pairs) => new RmqRecordBuilder(payload).setOptions({ headers: listed(pairs) as any }).build(),
    ),
  'MQTT 5': () =>
    patternDoor(
      newPrefix(),
      () => ({ transport: Transport.MQTT, options: { url: BROKERS.mqtt, protocolVersion: 5 } }),
      (payload, pairs) =>
        new MqttRecordBuilder(payload)
          .setProperties(pairs.length > 0 ? { userProperties: listed(pairs) as any } : {})
          .build(),
    ),
  gRPC: grpcDoor,
} satisfies Record<string, () => Door>;

/** In the process of the test, at an address of its own. */
function grpcDoor(): Door {
  const url = `127.0.0.1:${somePort()}`;
  const options: MicroserviceOptions = {
    transport: Transport.GRPC,
    options: { package: 'messages', protoPath: join(__dirname, 'messages.proto'), url },
  };
  return {
    handlers: messageHandlers(
      (name) => GrpcMethod('Messages', name),
      (answer) => ({ json: JSON.stringify(answer) }),
    ),
    options,
    async connect() {
      const client = ClientProxyFactory.create(options as any) as unknown as ClientGrpcProxy;
      const service =
        client.getService<Record<string, (sent: unknown, metadata: Metadata) => Observable<any>>>('Messages');
      const send = async (name: string, payload: unknown, metadata: Metadata) => {
        const { json, refused } = await replyOf(service[name]!(payload, metadata));
        return refused ? { refused: toldBy(refused) } : (JSON.parse(json) as Reply);
      };
      return {
        ask(name, headers, payload = {}) {
          const metadata = new Metadata();
          for (const [key, value] of headers) metadata.add(key, value);
          return send(name, payload, metadata);
        },
        askWith: (name, token, payload = {}) => send(name, payload, withToken(new Metadata(), token)),
        close: async () => client.close(),
      };
    },
  };
}

/** What other transports tell in `code` is in the metadata. */
function toldBy({ code, details, metadata }: { code: number; details: string; metadata: Metadata }) {
  return { code: metadata.get('error-code')[0], message: details, grpc: code };
}
