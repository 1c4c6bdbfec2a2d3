import { describe, expect, it } from 'vitest';
import { sleep } from '../../../lib/client/lock.mjs';
import { type SharedState, sharedState } from '../../../lib/client/shared-state.mjs';
import type { ClientStorage } from '../../../lib/client/index.mjs';
import { webLocks, withNavigator } from '../../support/tabs';

/** Milliseconds until a tab sees what another one wrote; as in Chromium, whose tabs have processes of their own. */
const LAG = 150;

/** What `localStorage` is to each of two tabs in processes of their own. */
function laggingStorages(): ClientStorage[] {
  const views = [new Map<string, string>(), new Map<string, string>()];
  return views.map((own) => ({
    getItem: (key) => own.get(key) ?? null,
    setItem(key, value) {
      own.set(key, value);
      for (const other of views) if (other !== own) setTimeout(() => other.set(key, value), LAG);
    },
    removeItem: (key) => own.delete(key),
  }));
}

function openTabs(locks: object): SharedState[] {
  const open = (storage: ClientStorage) => sharedState('state', storage, () => undefined);
  return withNavigator({ locks }, () => laggingStorages().map(open));
}

/** One tab writes twice; what the other one finds when it has the lock right after. */
async function versionAfterLock([writer, reader]: SharedState[]) {
  await writer!.locked(() => writer!.write({ version: 'one' }));
  await sleep(2 * LAG);
  const written = writer!.locked(() => writer!.write({ version: 'two' }));
  const { version } = await reader!.locked(() => reader!.read());
  await written;
  return version;
}

describe('the state that tabs share', () => {
  it('is never older to the holder of the lock than what the one before it wrote', async () => {
    expect(await versionAfterLock(openTabs(webLocks()))).toBe('two');
  });

  it('control: is old without a look at the locks, for storage is slower than they are', async () => {
    const { request } = webLocks();
    expect(await versionAfterLock(openTabs({ request }))).toBe('one');
  });

  it('is waited for a while only, where it never arrives', async () => {
    const locks = webLocks();
    const [writer, reader] = [openTabs(locks)[0]!, openTabs(locks)[0]!];
    await writer.write({ version: 'one' });
    const began = performance.now();
    expect(await reader.locked(() => reader.read())).toEqual({});
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
