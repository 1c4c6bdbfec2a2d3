import { sleep, withStorageLock } from './lock.mjs';
import type { ClientStorage } from './types.mjs';

/** Milliseconds until all tabs have seen what one of them wrote. */
const SETTLING = 50;
/** Milliseconds for which a tab says that what it wrote over is no longer there; and between two looks. */
const OUTDATED = 1_000;
const LOOK = 10;

/** What the tabs of a browser know together. */
export interface State {
  /** New with every login, refresh and logout: tells whether a request was sent with what is still present. */
  version?: string;
  /** null: nobody is logged in; undefined: not known. */
  sessionId?: string | null;
  accessToken?: string;
  refreshToken?: string;
  /** The `Idempotency-Key` of the refresh that is under way. */
  attempt?: string;
}

interface Channel {
  addEventListener(type: 'message', listener: () => void): void;
  postMessage(message: unknown): void;
  /** Node only: a channel that is open keeps no process alive. */
  unref?(): void;
}

interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
  query?(): Promise<{ held?: { name?: string }[] }>;
}

/** What may be there, and is not everywhere: pages on plain http, workers, Node, React Native. */
interface Scope {
  navigator?: { locks?: Locks };
  localStorage?: ClientStorage;
  location?: { origin: string };
  BroadcastChannel?: new (name: string) => Channel;
  addEventListener?(type: string, listener: () => void): void;
}

export const scope = globalThis as unknown as Scope;

/** Undefined where there is none, or where the user blocks it: then it throws. */
export function localStorageOf(): ClientStorage | undefined {
  try {
    return scope.localStorage;
  } catch {
    return undefined;
  }
}

/** In memory, for one client. */
export function memoryStorage(): ClientStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}

/** The state, the lock under which it changes, and the way to tell the other tabs to look at it. */
export interface SharedState {
  read(): Promise<State>;
  write(state: State): Promise<void>;
  locked<T>(work: () => Promise<T>): Promise<T>;
  /** Tells the others to look. */
  announce(): void;
}

async function stateIn(storage: ClientStorage, name: string): Promise<State> {
  try {
    return Object(JSON.parse((await storage.getItem(name)) ?? '{}'));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * Tabs have processes of their own: a lock may be there before what its last holder has written. What was written over
 * has therefore a lock of its own name, for a while; who still sees that, waits.
 */
async function caughtUp(locks: Locks, seen: () => Promise<string>): Promise<void> {
  for (let ms = 0; ms < OUTDATED; ms += LOOK) {
    const { held = [] } = (await locks.query?.()) ?? {};
    const name = await seen();
    if (!held.some((lock) => lock.name === name)) return;
    await sleep(LOOK);
  }
}

/** @param look called when another tab may have changed the state */
export function sharedState(name: string, shared: ClientStorage | undefined, look: () => void): SharedState {
  const storage = shared ?? memoryStorage();
  const locks = shared && scope.navigator?.locks;
  const channel = shared && scope.BroadcastChannel && new scope.BroadcastChannel(name);
  if (channel) {
    channel.addEventListener('message', look);
    channel.unref?.();
  }
  // Where there are no channels; and a page that comes back from the browser's cache has heard nothing meanwhile.
  if (shared) for (const type of ['storage', 'pageshow']) scope.addEventListener?.(type, look);
  const read = () => stateIn(storage, name);
  const marker = ({ version }: State) => `${name}:${version}`;
  return {
    read,
    async write(state) {
      const before = marker(await read());
      await storage.setItem(name, JSON.stringify(state));
      if (locks && before !== marker(state)) void locks.request(before, () => sleep(OUTDATED));
    },
    locked: (work) =>
      locks
        ? locks.request(name, async () => {
            await caughtUp(locks, async () => marker(await read()));
            return work();
          })
        : withStorageLock(storage, `${name}:lock`, shared ? SETTLING : 0, work),
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin
    announce: () => channel?.postMessage(''),
  };
}
