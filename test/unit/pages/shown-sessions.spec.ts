import { describe, expect, it } from 'vitest';
import { ShownSessions } from '../../../lib/pages/shown-sessions';

describe('the sessions that pages show', () => {
  /** A page whose list is made when `finish` is called. */
  const opened = () => {
    let finish!: (...ids: string[]) => void;
    const render = () =>
      new Promise<{ html: string; ids: string[] }>((resolve) => {
        finish = (...ids) => resolve({ html: '', ids });
      });
    return { isOpen: true, render, finish: (...ids: string[]) => finish(...ids) };
  };
  const setUp = () => {
    const shown = new ShownSessions<ReturnType<typeof opened>>();
    const show = async (page: ReturnType<typeof opened>, ...ids: string[]) => {
      const list = shown.listOf(page);
      page.finish(...ids);
      return (await list).isBehind;
    };
    return { shown, show, showing: (id: string) => [...shown.changed(id)] };
  };

  it('are those of their last lists', async () => {
    const { shown, show, showing } = setUp();
    const [one, two] = [opened(), opened()];
    await show(one, 'a', 'b');
    await show(two, 'b');
    expect([showing('a'), showing('b'), showing('c')]).toEqual([[one], [one, two], []]);
    await show(one, 'c');
    expect([showing('a'), showing('b'), showing('c')]).toEqual([[], [two], [one]]);
    shown.leave(two);
    expect(showing('b')).toEqual([]);
  });

  it('are none of a page that was closed while its list was made', async () => {
    const { shown, show, showing } = setUp();
    const page = opened();
    const list = show(page, 'a');
    page.isOpen = false;
    shown.leave(page);
    await list;
    expect(showing('a')).toEqual([]);
  });

  it('make a list that they are in old when they changed since it was begun, and no other', async () => {
    const { shown, show, showing } = setUp();
    const [one, two, three] = [opened(), opened(), opened()];
    const first = shown.listOf(one);
    showing('a');
    const second = shown.listOf(two);
    showing('b');
    two.finish('a', 'c');
    expect((await second).isBehind).toBe(false);
    one.finish('a');
    expect((await first).isBehind).toBe(true);
    expect(await show(three, 'a', 'b')).toBe(false);
  });

  it('are not remembered for longer than lists are made, though there is always one', async () => {
    const { shown, showing } = setUp();
    const { meanwhile } = shown as unknown as { meanwhile: Map<string, number> };
    let [page, list] = [opened(), Promise.resolve({})];
    for (let count = 0; count < 100; count++) {
      const next = opened();
      const following = shown.listOf(next);
      showing(`${count}`);
      if (count > 0) page.finish();
      await list;
      [page, list] = [next, following];
    }
    expect(meanwhile.size).toBe(1);
    page.finish();
    await list;
    expect(meanwhile.size).toBe(0);
  });

  it('and that could not be made are forgotten, too', async () => {
    const { shown, showing } = setUp();
    const { meanwhile } = shown as unknown as { meanwhile: Map<string, number> };
    const list = shown.listOf({ ...opened(), render: () => Promise.reject(new Error('The storage is down.')) });
    showing('a');
    await expect(list).rejects.toThrow('The storage is down.');
    expect(meanwhile.size).toBe(0);
  });
});
