import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sleep, withStorageLock } from '../../../lib/client/lock.mjs';
import { SharedStorage } from '../../support/tabs';

type Lock = (work: () => Promise<void>) => Promise<void>;

/** Twelve come at once, and each works for a while: how many are at work together at most, and how many are done. */
async function crowd(lock: Lock) {
  let [inside, most, done] = [0, 0, 0];
  const work = async () => {
    most = Math.max(most, ++inside);
    await sleep(5);
    inside--;
    done++;
  };
  const all = Promise.all(Array.from({ length: 12 }, () => lock(work)));
  await vi.runAllTimersAsync();
  await all;
  return [most, done];
}

describe('the lock of browsers without Web Locks', () => {
  // Time passes when the test says so.
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('has one holder at a time, whoever comes', async () => {
    const storage = new SharedStorage();
    expect(await crowd((work) => withStorageLock(storage, 'lock', 10, work))).toEqual([1, 12]);
    expect(storage.items.size).toBe(0);
  });

  it('control: a lock that looks, and writes after others had time to look, has many', async () => {
    const storage = new SharedStorage();
    const naive: Lock = async (work) => {
      while (storage.getItem('lock') !== null) await sleep(50);
      await sleep(1);
      storage.setItem('lock', 'taken');
      await work().finally(() => storage.removeItem('lock'));
    };
    const [most, done] = await crowd(naive);
    expect([most! > 1, done]).toEqual([true, 12]);
  });

  it('is let go of when the work fails', async () => {
    const storage = new SharedStorage();
    const failing = withStorageLock(storage, 'lock', 0, () => Promise.reject(new Error('no network')));
    await Promise.all([expect(failing).rejects.toThrow('no network'), vi.runAllTimersAsync()]);
    expect(storage.items.size).toBe(0);
  });

  it.each([
    ['a holder that is gone', () => `gone ${Date.now() - 1}`],
    ['a holder whose clock was far ahead', () => `ahead ${Date.now() + 3_600_000}`],
    ['something else', () => 'nonsense'],
  ])('is not held by %s', async (_title, holder) => {
    const storage = new SharedStorage();
    storage.setItem('lock', holder());
    let outcome = 'stuck';
    void withStorageLock(storage, 'lock', 0, async () => (outcome = 'mine'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(outcome).toBe('mine');
  });

  it('control: is waited for while its holder may be at work', async () => {
    const storage = new SharedStorage();
    storage.setItem('lock', `other ${Date.now() + 10_000}`);
    let isMine = false;
    const mine = withStorageLock(storage, 'lock', 0, async () => (isMine = true));
    await vi.advanceTimersByTimeAsync(9_000);
    expect(isMine).toBe(false);
    storage.removeItem('lock');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await mine).toBe(true);
  });
});
