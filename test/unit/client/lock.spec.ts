import { describe, expect, it } from 'vitest';
import { sleep, withStorageLock } from '../../../lib/client/lock.mjs';
import { SharedStorage } from '../../support/tabs';

describe('the lock of browsers without Web Locks', () => {
  it('has one holder at a time, whoever comes', async () => {
    const storage = new SharedStorage();
    let [inside, most, done] = [0, 0, 0];
    const work = async () => {
      most = Math.max(most, ++inside);
      await sleep(5);
      inside--;
      done++;
    };
    await Promise.all(Array.from({ length: 12 }, () => withStorageLock(storage, 'lock', 10, work)));
    expect([most, done]).toEqual([1, 12]);
    expect(storage.items.size).toBe(0);
  });

  it('is let go of when the work fails', async () => {
    const storage = new SharedStorage();
    const failing = withStorageLock(storage, 'lock', 0, () => Promise.reject(new Error('no network')));
    await expect(failing).rejects.toThrow('no network');
    expect(storage.items.size).toBe(0);
  });

  it.each([
    ['a holder that is gone', () => `gone ${Date.now() - 1}`],
    ['a holder whose clock was far ahead', () => `ahead ${Date.now() + 3_600_000}`],
    ['something else', () => 'nonsense'],
  ])('is not held by %s', async (_title, holder) => {
    const storage = new SharedStorage();
    storage.setItem('lock', holder());
    const outcome = await Promise.race([
      withStorageLock(storage, 'lock', 0, async () => 'mine'),
      sleep(5_000).then(() => 'stuck'),
    ]);
    expect(outcome).toBe('mine');
  });

  it('control: is waited for while its holder may be at work', async () => {
    const storage = new SharedStorage();
    storage.setItem('lock', `other ${Date.now() + 10_000}`);
    let isMine = false;
    const mine = withStorageLock(storage, 'lock', 0, async () => (isMine = true));
    await sleep(300);
    expect(isMine).toBe(false);
    storage.removeItem('lock');
    expect(await mine).toBe(true);
  });
});
