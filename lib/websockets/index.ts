export { sockets } from './sockets';
export type { SocketsOptions } from './sockets';
export { JwtKnoxSocketAuth } from './socket-auth';
export type { AuthenticatedSocket } from './socket-auth';
