import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JwtKnoxEvents } from '../../../lib/contracts/events';
import { notingLogger } from '../../support/noting-logger';

describe('the events', () => {
  let events: JwtKnoxEvents;
  let logged: string[];

  beforeEach(() => {
    events = new JwtKnoxEvents();
    logged = [];
    Logger.overrideLogger(notingLogger((text) => logged.push(String(text)), 'error'));
  });
  afterEach(() => Logger.overrideLogger(true));

  const expired = (count = 1) => events.emit('sessions.purged', { count });

  it('reach every listener of their name, in order, and nobody else', () => {
    const heard: unknown[] = [];
    events.on('sessions.purged', (event) => void heard.push(['first', event]));
    events.on('sessions.purged', (event) => void heard.push(['second', event]));
    events.on('session.revoked', (event) => void heard.push(['other', event]));
    expired(3);
    expect(heard).toEqual([['first', { count: 3 }], ['second', { count: 3 }]]); // prettier-ignore
  });

  it('may go unheard', () => expect(() => expired()).not.toThrow());

  it('stop when the listener is taken off, which may happen twice or while it hears', () => {
    const heard: string[] = [];
    const offFirst = events.on('sessions.purged', () => {
      heard.push('first');
      offFirst();
    });
    const offSecond = events.on('sessions.purged', () => void heard.push('second'));
    expired();
    expired();
    offSecond();
    offSecond();
    expired();
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  it('reach the next listener though one throws, and the throw is logged', () => {
    const next = vi.fn();
    events.on('sessions.purged', () => {
      throw new Error('broken listener');
    });
    events.on('sessions.purged', next);
    expect(() => expired()).not.toThrow();
    expect(next).toHaveBeenCalledTimes(1);
    expect(logged).toEqual(['[jwt-knox:listener-failed] A listener of "sessions.purged" failed: broken listener']);
  });

  it('reach the next listener though one rejects, and nothing is left unhandled', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const next = vi.fn();
      events.on('sessions.purged', async () => {
        throw new Error('rejected');
      });
      events.on('sessions.purged', () => Promise.reject('not even an Error') as Promise<void>);
      events.on('sessions.purged', next);
      expired();
      expect(next).toHaveBeenCalledTimes(1);
      // Unhandled rejections are told after the microtasks, before the next macrotask but one.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(unhandled).not.toHaveBeenCalled();
      expect(logged).toEqual([
        '[jwt-knox:listener-failed] A listener of "sessions.purged" failed: rejected',
        '[jwt-knox:listener-failed] A listener of "sessions.purged" failed: unknown error',
      ]);
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  it('do not wait for a listener that never ends', () => {
    events.on('sessions.purged', () => new Promise<void>(() => undefined));
    expect(expired()).toBeUndefined();
  });

  it('survive a listener that returns a broken promise-like', async () => {
    events.on(
      'sessions.purged',
      () =>
        ({
          // oxlint-disable-next-line unicorn/no-thenable -- what a faulty host may return
          then: () => {
            throw new Error('broken then');
          },
        }) as never,
    );
    expired();
    await new Promise(setImmediate);
    expect(logged).toEqual(['[jwt-knox:listener-failed] A listener of "sessions.purged" failed: broken then']);
  });
});
