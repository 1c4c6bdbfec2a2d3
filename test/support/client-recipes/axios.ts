import axios, { type AxiosInstance } from 'axios';
import type { JwtKnoxClient } from '../../../lib/client/index.mjs';

/** An axios whose requests are sent as the user who is logged in. */
export function createApi(client: JwtKnoxClient, baseURL: string): AxiosInstance {
  return axios.create({ baseURL, adapter: 'fetch', env: { fetch: client.fetch } });
}
