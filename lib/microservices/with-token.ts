import { MqttRecord, NatsRecord, RmqRecord } from '@nestjs/microservices';
import { type GrpcMetadata, isMetadata, type NatsHeaders } from './message-headers';

/** What `ClientKafka` sends: the content of the message in `value`. */
export interface KafkaRecord {
  /** The content of the message. */
  value: any;
  /** Names and values. */
  headers?: Record<string, any> | undefined;
}

type Carrier = NatsRecord | RmqRecord | MqttRecord | KafkaRecord | GrpcMetadata;

const NAME = 'authorization';

/**
 * A copy of a record that carries an access token in its headers, in place of one that is there. Takes what the builders
 * of `NatsRecord`, `RmqRecord` and `MqttRecord` build, what `ClientKafka` sends (`{ value, headers? }`), and the
 * `Metadata` of gRPC. Give a record of NATS headers first: they are of your client's package.
 * @param token an access token as it was sent or issued, without `Bearer`
 * @throws TypeError for another kind of record, and for a token that is no text without spaces
 * @example
 * const record = new NatsRecordBuilder({ year: 2026 }).setHeaders(headers()).build();
 * return this.orders.send('orders.list', withToken(record, token));
 */
export function withToken<Sent extends NatsRecord | RmqRecord | MqttRecord | KafkaRecord | GrpcMetadata>(
  record: Sent,
  token: string,
): Sent;
export function withToken(record: Carrier, token: string): Carrier {
  // Not only a mistake: a line break would begin another header.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError('withToken: needs an access token, a text without spaces.');
  }
  const value = `Bearer ${token}`;
  if (record instanceof NatsRecord) return new NatsRecord(record.data, natsHeaders(record.headers, value));
  if (record instanceof RmqRecord) {
    const { options } = record;
    return new RmqRecord(record.data, { ...options, headers: withHeader(options?.headers, value) });
  }
  if (record instanceof MqttRecord) {
    const { options } = record;
    const userProperties = withHeader(options?.properties?.userProperties, value);
    return new MqttRecord(record.data, { ...options, properties: { ...options?.properties, userProperties } });
  }
  if (isMetadata(record)) {
    const copy = record.clone();
    copy.set(NAME, value);
    return copy;
  }
  if (Object(record) === record && 'value' in record) {
    return { ...record, headers: withHeader(record.headers, value) };
  }
  throw new TypeError(
    'withToken: needs what NatsRecordBuilder, RmqRecordBuilder or MqttRecordBuilder builds, { value, headers? } of Kafka, ' +
      'or the Metadata of gRPC.',
  );
}

const isOther = (name: string) => name.toLowerCase() !== NAME;

function withHeader(headers: object | undefined, value: string): Record<string, any> {
  return { ...Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => isOther(name))), [NAME]: value };
}

/** A copy: a client publishes later, when headers that several requests share could have the token of the next one. */
function natsHeaders(given: NatsHeaders | undefined, value: string): NatsHeaders {
  if (typeof given?.append !== 'function') {
    throw new TypeError('withToken: a NATS record needs headers; write .setHeaders(headers()), of your NATS client.');
  }
  const copy = new (given.constructor as new () => NatsHeaders)();
  for (const [name, values] of given) if (isOther(name)) for (const one of values) copy.append(name, one);
  copy.append(NAME, value);
  return copy;
}
