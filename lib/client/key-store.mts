/** A key of WebCrypto. */
type Key = Parameters<typeof crypto.subtle.exportKey>[1];

/** As `crypto.subtle.generateKey` makes it. */
export interface DpopKeyPair {
  readonly publicKey: Key;
  readonly privateKey: Key;
}

/** Keeps key pairs of which no script can read the private half. */
export interface DpopKeyStore {
  read(name: string): Promise<DpopKeyPair | undefined>;
  /** Keeps the pair unless another one is kept under this name by now; resolves to the one that is. */
  keep(name: string, pair: DpopKeyPair): Promise<DpopKeyPair>;
}

/** For one process: the sessions of a program end with it. */
export function memoryKeys(): DpopKeyStore {
  const pairs = new Map<string, DpopKeyPair>();
  return {
    read: async (name) => pairs.get(name),
    async keep(name, pair) {
      pairs.set(name, pairs.get(name) ?? pair);
      return pairs.get(name)!;
    },
  };
}

/** As much of IndexedDB as is used here. */
interface Asked {
  result: any;
  error: unknown;
  onsuccess: unknown;
  onerror: unknown;
  onupgradeneeded?: unknown;
}

const STORE = 'keys';

/** Shared by the tabs and workers of an origin; undefined where there is none. */
export function indexedKeys(): DpopKeyStore | undefined {
  const { indexedDB } = globalThis as unknown as { indexedDB?: { open(name: string): Asked } };
  if (!indexedDB) return undefined;
  const answered = (asked: Asked) =>
    new Promise<any>((resolve, reject) => {
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  const inStore = async <T,>(mode: string, work: (store: any) => Promise<T>): Promise<T> => {
    const opening = indexedDB.open('jwt-knox');
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await answered(opening);
    try {
      return await work(database.transaction(STORE, mode).objectStore(STORE));
    } finally {
      database.close();
    }
  };
  return {
    read: (name) => inStore('readonly', (store) => answered(store.get(name))),
    keep: (name, pair) =>
      inStore('readwrite', async (store) => {
        // One transaction: of two tabs that make a key at once, both take that of the first.
        const kept = await answered(store.get(name));
        if (kept) return kept;
        await answered(store.put(pair, name));
        return pair;
      }),
  };
}
