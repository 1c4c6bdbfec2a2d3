export { sockets } from './sockets';
export type { SocketsOptions } from './sockets';
export { JwtKnoxSocketAuth } from './socket-auth';
export type { AuthenticatedSocket, SocketEnd } from './socket-auth';
