import { afterEach, describe, expect, it, vi } from 'vitest';
import { LatelySeen } from '../../../lib/tokens/lately-seen';

const LIFETIME = 1_000;

describe('what was seen lately', () => {
  afterEach(() => vi.restoreAllMocks());

  it('counts once, until its time is over', () => {
    const seen = new LatelySeen(LIFETIME);
    expect(seen.add('one', 0)).toBe(true);
    expect(seen.add('two', 400)).toBe(true);
    expect(seen.add('one', LIFETIME)).toBe(false);
    expect(seen.add('one', LIFETIME + 1)).toBe(true);
    expect(seen.add('two', 400 + LIFETIME)).toBe(false);
    expect(seen.has('two')).toBe(true);
    expect(seen.size).toBe(2);
  });

  it('leaves in the order of its coming where there is no more room', () => {
    const seen = new LatelySeen(LIFETIME, 3);
    for (const id of ['one', 'two', 'three', 'four']) seen.add(id, 0);
    expect(['one', 'two', 'three', 'four'].map((id) => seen.has(id))).toEqual([false, true, true, true]);
  });

  it('goes on after all has left, again and again', () => {
    const seen = new LatelySeen(LIFETIME);
    for (let round = 0; round < 5; round++) {
      const now = round * 10 * LIFETIME;
      for (const id of ['one', 'two', 'three']) expect(seen.add(id, now)).toBe(true);
      for (const id of ['one', 'two', 'three']) expect(seen.add(id, now + LIFETIME)).toBe(false);
      expect(seen.size).toBe(3);
    }
  });

  it('does not stay for ever when the clock is set back', () => {
    const seen = new LatelySeen(LIFETIME);
    seen.add('one', 10 * LIFETIME);
    expect(seen.add('one', 0)).toBe(true);
    expect(seen.add('one', LIFETIME)).toBe(false);
  });

  it('is what a plain list of all would say, whatever comes when', () => {
    const seen = new LatelySeen(LIFETIME, 50);
    let all: { id: string; at: number }[] = [];
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let now = 0, i = 0; i < 20_000; i++) {
      now += random(20) === 0 ? random(3 * LIFETIME) : random(30);
      const id = `id${random(200)}`;
      while (all[0] && (all.length >= 50 || now - all[0].at > LIFETIME)) all = all.slice(1);
      const isNew = !all.some((one) => one.id === id);
      if (isNew) all.push({ id, at: now });
      expect([seen.add(id, now), seen.size]).toEqual([isNew, all.length]);
    }
  });

  it('is not walked over anew by everything that comes: what has left leaves holes, which cost a full one 70 µs', () => {
    const begun = [vi.spyOn(Map.prototype, Symbol.iterator), vi.spyOn(Map.prototype, 'entries')];
    const seen = new LatelySeen(LIFETIME);
    for (let now = 0; now < 5 * LIFETIME; now++) seen.add(`id${now}`, now);
    expect(seen.size).toBe(LIFETIME + 1);
    expect(begun.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBeLessThan(10);
  });
});
