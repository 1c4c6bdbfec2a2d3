import { ConflictException } from '@nestjs/common';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidCredentialsError, StorageUnavailableError } from '../../../lib/contracts/errors';
import { HostErrors } from '../../../lib/sessions/host-errors';
import { fromStorage, RequestDeadline } from '../../../lib/sessions/request-deadline';
import { UserProvider } from '../../../lib/contracts/user-provider';
import { InMemorySessionRepository } from '../../../lib/testing';
import { TypeOrmSessionRepository } from '../../../lib/typeorm';

describe('the deadline of a request', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  /** Work that ends when its time has come; it counts what it did. */
  const taking =
    (ms: number, done: string[] = [], name = 'work') =>
    () =>
      new Promise<string>((resolve) => {
        setTimeout(() => {
          done.push(name);
          resolve(name);
        }, ms);
      });

  /** How a promise ended, once it has. */
  function watch(promise: Promise<unknown>): { ended?: unknown } {
    const state: { ended?: unknown } = {};
    promise.then(
      (value) => void (state.ended = value),
      (error: unknown) => void (state.ended = error),
    );
    return state;
  }

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it('leaves work alone that is in time, and its timer does not outlive it', async () => {
    const deadline = new RequestDeadline(2_000);
    const run = watch(deadline.run(taking(1_999)));
    await pass(1_999);
    expect([run.ended, deadline.expired]).toEqual(['work', false]);
    expect(vi.getTimerCount()).toBe(0);
    await pass(10_000);
    expect(deadline.expired).toBe(false);
  });

  it('S9: answers 503 when it passes, to the millisecond', async () => {
    const deadline = new RequestDeadline(2_000);
    const run = watch(deadline.run(() => new Promise(() => undefined)));
    await pass(1_999);
    expect([run.ended, deadline.expired]).toEqual([undefined, false]);
    await pass(1);
    expect(run.ended).toBeInstanceOf(StorageUnavailableError);
    expect((run.ended as StorageUnavailableError).cause).toMatchObject({
      message: 'The storage did not answer in time.',
    });
    expect(deadline.expired).toBe(true);
  });

  it('S9: tells work that comes too late that it is, so that it undoes what it wrote', async () => {
    const deadline = new RequestDeadline(2_000);
    const seen: boolean[] = [];
    const run = watch(
      deadline.run(async () => {
        await taking(1_000)();
        seen.push(deadline.expired);
        await taking(4_000)();
        seen.push(deadline.expired);
      }),
    );
    await pass(5_000);
    expect(seen).toEqual([false, true]);
    expect(run.ended).toBeInstanceOf(StorageUnavailableError);
  });

  it('handles the late failure of work that nobody waits for any more', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const deadline = new RequestDeadline(100);
      const run = watch(deadline.run(() => taking(500)().then(() => Promise.reject(new Error('late')))));
      await pass(1_000);
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(run.ended).toBeInstanceOf(StorageUnavailableError);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  it('passes on what the work throws', async () => {
    const deadline = new RequestDeadline(2_000);
    const error = new Error('broken');
    await expect(deadline.run(() => Promise.reject(error))).rejects.toBe(error);
    expect([deadline.expired, vi.getTimerCount()]).toEqual([false, 0]);
  });

  it('counts all work of the request together, and no time in between', async () => {
    const deadline = new RequestDeadline(2_000);
    const first = watch(deadline.run(taking(1_500)));
    await pass(1_500);
    expect(first.ended).toBe('work');
    await pass(60_000);
    const second = watch(deadline.run(taking(499)));
    await pass(499);
    expect(second.ended).toBe('work');
    const third = watch(deadline.run(taking(2)));
    await pass(1);
    expect(third.ended).toBeInstanceOf(StorageUnavailableError);
  });

  it('stands still while excluded work runs, such as password hashing', async () => {
    const deadline = new RequestDeadline(2_000);
    const run = watch(
      deadline.run(async () => {
        await taking(1_000)();
        await deadline.pauseWhile(taking(60_000));
        await taking(999)();
        return 'logged in';
      }),
    );
    await pass(61_999);
    expect([run.ended, deadline.expired]).toEqual(['logged in', false]);
  });

  it('goes on where it stood when excluded work ends, well or not', async () => {
    for (const end of [() => Promise.resolve(), () => Promise.reject(new Error('hash failed'))]) {
      const deadline = new RequestDeadline(2_000);
      const run = watch(
        deadline.run(async () => {
          await taking(1_000)();
          await deadline.pauseWhile(() => taking(5_000)().then(end)).catch(() => undefined);
          await new Promise(() => undefined);
        }),
      );
      await pass(6_999);
      expect(run.ended).toBeUndefined();
      await pass(1);
      expect(run.ended).toBeInstanceOf(StorageUnavailableError);
    }
  });

  it('goes on when the last of several pieces of excluded work ends', async () => {
    const deadline = new RequestDeadline(1_000);
    const run = watch(
      deadline.run(async () => {
        await Promise.all([deadline.pauseWhile(taking(3_000)), deadline.pauseWhile(taking(7_000))]);
        await new Promise(() => undefined);
      }),
    );
    await pass(7_999);
    expect(run.ended).toBeUndefined();
    await pass(1);
    expect(run.ended).toBeInstanceOf(StorageUnavailableError);
  });

  it('gives excluded work its result, and its error, back', async () => {
    const deadline = new RequestDeadline(1_000);
    await expect(deadline.pauseWhile(async () => 5)).resolves.toBe(5);
    await expect(deadline.pauseWhile(() => Promise.reject(new Error('hash failed')))).rejects.toThrow('hash failed');
  });

  it('is not brought back to life by excluded work that ends after it', async () => {
    const deadline = new RequestDeadline(1_000);
    const run = watch(
      deadline.run(async () => {
        await taking(2_000)();
        await deadline.pauseWhile(taking(2_000));
      }),
    );
    await pass(10_000);
    expect(run.ended).toBeInstanceOf(StorageUnavailableError);
    expect([deadline.expired, vi.getTimerCount()]).toEqual([true, 0]);
  });

  it('passes exactly when the counted time of the request exceeds it', async () => {
    const step = fc.record({
      ms: fc.integer({ min: 1, max: 900 }),
      kind: fc.constantFrom('storage', 'hashing', 'elsewhere'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const deadline = new RequestDeadline(1_000);
        let counted = 0;
        for (const { ms, kind } of steps) {
          if (kind === 'elsewhere') {
            await pass(ms);
            continue;
          }
          const run = watch(deadline.run(kind === 'storage' ? taking(ms) : () => deadline.pauseWhile(taking(ms))));
          await pass(ms);
          counted += kind === 'storage' ? ms : 0;
          // At a tie the deadline's timer or the work's goes first: both answers are right.
          if (counted === 1_000) return;
          if (counted > 1_000) {
            expect(run.ended).toBeInstanceOf(StorageUnavailableError);
            return;
          }
          expect(run.ended).toBe('work');
        }
        expect(deadline.expired).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a call of the repository', () => {
  it('S9: is 503 whatever fails in it; of the cause, its message and code are kept', async () => {
    for (const cause of [
      new Error('relation does not exist'),
      new TypeError('a bug'),
      'text',
      undefined,
      new ConflictException(),
    ]) {
      const error = await fromStorage(() => Promise.reject(cause)).catch((one: unknown) => one);
      expect(error).toBeInstanceOf(StorageUnavailableError);
      const kept = (error as StorageUnavailableError).cause as Error;
      expect(kept.message).toBe(cause instanceof Error ? cause.message : 'unknown failure');
    }
  });

  it('S9: is 503 when a repository throws at once', async () => {
    const broken = () => {
      throw new Error('not even a promise');
    };
    await expect(fromStorage(broken)).rejects.toBeInstanceOf(StorageUnavailableError);
  });

  it("passes the library's own errors and results on", async () => {
    const own = new InvalidCredentialsError();
    await expect(fromStorage(() => Promise.reject(own))).rejects.toBe(own);
    await expect(fromStorage(async () => 5)).resolves.toBe(5);
  });
});

describe("a call of the host's code", () => {
  const fromHost = <T>(call: () => T | Promise<T>, ...judges: ConstructorParameters<typeof HostErrors>) =>
    new HostErrors(...judges).run(call);

  it('S9: is 503 for what the storage knows of its driver, and 500 where nobody knows it', async () => {
    const cause = Object.assign(new Error('too many clients'), { code: '53300' });
    const repository = new TypeOrmSessionRepository({ manager: { connection: { options: {} } } } as never);
    const call = () => Promise.reject(cause);
    await expect(fromHost(call, repository)).rejects.toMatchObject({ status: 503, cause });
    await expect(fromHost(call)).rejects.toBe(cause);
    await expect(fromHost(call, new InMemorySessionRepository())).rejects.toBe(cause);
  });

  it('S9: is 503 for what the user provider knows of its own source', async () => {
    abstract class Directory extends UserProvider {
      override isUnavailable(error: unknown): boolean {
        return (error as { code?: unknown }).code === 52 || super.isUnavailable(error);
      }
    }
    const users = Object.create(Directory.prototype) as Directory;
    const busy = Object.assign(new Error('directory is busy'), { code: 52 });
    const lost = Object.assign(new Error('lost'), { code: 'ECONNRESET' });
    for (const cause of [busy, lost]) {
      const failing = fromHost(() => Promise.reject(cause), undefined, users);
      await expect(failing).rejects.toMatchObject({ status: 503, cause: { code: cause.code } });
    }
  });

  it('S9: is 503 when its database is out of reach', async () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    await expect(fromHost(() => Promise.reject(cause))).rejects.toMatchObject({ status: 503, cause });
  });

  it("passes the host's own HTTP answers on", async () => {
    const teapot = new ConflictException('locked');
    await expect(fromHost(() => Promise.reject(teapot))).rejects.toBe(teapot);
  });

  it('leaves a bug a bug, thrown at once or later', async () => {
    const bug = new TypeError('x is undefined');
    await expect(fromHost(() => Promise.reject(bug))).rejects.toBe(bug);
    const throwing = () => {
      throw bug;
    };
    await expect(fromHost(throwing)).rejects.toBe(bug);
  });

  it('passes results on, whether they are promised or there', async () => {
    await expect(fromHost(() => 5)).resolves.toBe(5);
    await expect(fromHost(async () => 5)).resolves.toBe(5);
  });
});
