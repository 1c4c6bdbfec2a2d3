import axios from 'axios';
import type { ClientStorage } from '../../lib/client/index.mjs';
import type { Mode } from './tabs';

/** A tab as tutorials have it: an interceptor that refreshes at 401, without a lock and without an `Idempotency-Key`. */
export function openNaiveTab(origin: string, storage: ClientStorage, mode: Mode = 'bearer') {
  const isBearer = mode === 'bearer';
  const api = axios.create({ baseURL: origin, withCredentials: !isBearer });
  const store = (data: Record<string, string>) => {
    if (!isBearer) return;
    storage.setItem('access_token', data.access_token!);
    storage.setItem('refresh_token', data.refresh_token!);
  };
  api.interceptors.request.use((config) => {
    if (isBearer) config.headers.set('Authorization', `Bearer ${storage.getItem('access_token')}`);
    return config;
  });
  api.interceptors.response.use(undefined, async (error) => {
    const original = error.config;
    if (error.response?.status !== 401 || original.isRepeated) throw error;
    original.isRepeated = true;
    const body = isBearer ? { refresh_token: storage.getItem('refresh_token') } : undefined;
    const { data } = await axios.post(`${origin}/auth/refresh`, body);
    store(data);
    return api(original);
  });
  return {
    login: async (credentials: object) => store((await axios.post(`${origin}/auth/login`, credentials)).data),
    get: async (path: string): Promise<any> => (await api.get(path)).data,
  };
}
