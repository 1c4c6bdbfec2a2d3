import { afterEach, describe, expect, it, vi } from 'vitest';
import { AgedMap } from '../../../lib/tokens/aged-map';

describe('a map that knows its oldest', () => {
  afterEach(() => vi.restoreAllMocks());

  it('has what is put in again for its youngest, also where it was the oldest that somebody looked at', () => {
    const map = new AgedMap<number>();
    map.set('one', 1);
    map.set('two', 2);
    expect(map.oldest).toEqual(['one', 1]);
    map.set('one', 3);
    expect([map.oldest, map.size]).toEqual([['two', 2], 2]);
    map.deleteWhile((value) => value < 3);
    expect([...map]).toEqual([['one', 3]]);
    map.deleteWhile(() => true);
    expect([map.oldest, map.size]).toEqual([undefined, 0]);
  });

  it('looks for it anew when as many have left as are there: an iterator that stands still keeps what left', () => {
    const map = new AgedMap<number>();
    for (let count = 0; count < 100; count++) map.set(`${count}`, count);
    expect(map.oldest).toEqual(['0', 0]);
    const begun = vi.spyOn(Map.prototype, 'entries');
    for (let count = 0; count < 10_000; count++) {
      map.set(`${1 + (count % 99)}`, count);
      expect(map.oldest).toEqual(['0', 0]);
    }
    expect(begun.mock.calls.length).toBe(100);
  });

  it('is what a plain list of all would say, whatever comes and leaves when', () => {
    const map = new AgedMap<number>();
    let all: [string, number][] = [];
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let count = 0; count < 20_000; count++) {
      const key = `${random(40)}`;
      const what = random(5);
      if (what < 3) map.set(key, count);
      else if (what === 3) map.delete(key);
      else map.deleteWhile((value) => value < count - 60);
      if (what < 4) all = all.filter(([one]) => one !== key);
      if (what < 3) all.push([key, count]);
      if (what === 4) all = all.filter(([, value]) => value >= count - 60);
      // Not each time: who looks moves on.
      if (random(2) === 0) expect(map.oldest).toEqual(all[0]);
      expect([map.size, map.has(key), map.get(key)]).toEqual([
        all.length,
        all.some(([one]) => one === key),
        all.find(([one]) => one === key)?.[1],
      ]);
    }
    expect([...map]).toEqual(all);
  });
});
