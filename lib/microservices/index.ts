export { AccessToken } from './access-token.decorator';
export { MicroserviceContextReader } from './microservice-context.reader';
export { withToken } from './with-token';
export type { KafkaRecord } from './with-token';
export type { GrpcMetadata } from './message-headers';
