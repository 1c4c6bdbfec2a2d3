import { JwtKnoxConfigurationError } from '../contracts/errors';

/** What of lru-cache is used here; written out, so that an application without it still compiles. */
export interface LruMap<Value> {
  readonly size: number;
  get(key: string): Value | undefined;
  peek(key: string): Value | undefined;
  set(key: string, value: Value): unknown;
  delete(key: string): boolean;
  clear(): void;
}

type LruMaps = new <Value>(options: { max: number }) => LruMap<Value>;

/** Loaded when the feature is made. @throws JwtKnoxConfigurationError when it is not installed */
export function loadLruCache(): LruMaps {
  try {
    return (require('lru-cache') as { LRUCache: LruMaps }).LRUCache;
  } catch {
    throw new JwtKnoxConfigurationError(
      ['needs the package lru-cache; install it with `npm install lru-cache@11`.'],
      'leaseCache',
    );
  }
}
