export { createJwtKnoxClient } from './client.mjs';
export { JwtKnoxClientError } from './error.mjs';
export type {
  ClientSession,
  ClientStorage,
  JwtKnoxClient,
  JwtKnoxClientOptions,
  LoginCredentials,
  SessionsQuery,
} from './types.mjs';
