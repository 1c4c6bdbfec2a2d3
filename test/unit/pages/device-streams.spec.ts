import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { JwtKnoxEvents } from '../../../lib';
import { DeviceStreams } from '../../../lib/pages/device-streams';

afterEach(() => vi.restoreAllMocks());

it('a page that comes back during the shutdown is closed: it would keep the server open', () => {
  const channels = { watch: vi.fn(), open: vi.fn() };
  const streams = new DeviceStreams({ realm: '' }, new JwtKnoxEvents(), channels as never);
  const stream = { close: vi.fn(), onClose: vi.fn() };
  const page = { stream, shown: { session: { id: 'a', userId: '1' } }, tokenEnd: undefined, render: vi.fn() };
  streams.beforeApplicationShutdown();
  streams.add(page as never);
  expect(stream.close).toHaveBeenCalledOnce();
  expect([channels.open.mock.calls, page.render.mock.calls]).toEqual([[], []]);
});

describe('sessions that end elsewhere', () => {
  let streams: DeviceStreams;
  afterEach(() => streams.beforeApplicationShutdown());

  /** Pages of users with ten sessions each, `1-0` to `1-9`, whose lists are made when `finish` is called. */
  const opened = (count: number) => {
    const events = new JwtKnoxEvents();
    const channels = { watch: vi.fn(), open: vi.fn(), leave: vi.fn() };
    streams = new DeviceStreams({ realm: '' }, events, channels as never);
    const announce = (sessionId: string) => events.emit('session.announced', { scope: { sessionId }, isEnd: true });
    let waiting: (() => void)[] = [];
    const finish = async () => {
      for (const go of waiting.splice(0)) go();
      await setImmediate();
    };
    const reads = vi.fn();
    const pages = Array.from({ length: count }, (_, user) => {
      const list = Array.from({ length: 10 }, (__, index) => `${user}-${index}`);
      const ids = new Proxy(list, { get: (of, name) => (reads(), Reflect.get(of, name)) });
      const render = vi.fn(() => new Promise((resolve) => waiting.push(() => resolve({ html: '', ids }))));
      let closed = () => {};
      const stream = {
        isOpen: true,
        send: vi.fn(),
        close: vi.fn(),
        onClose: (listener: () => void) => (closed = listener),
      };
      streams.add({ stream, shown: { session: { id: list[0], userId: `${user}` } }, tokenEnd: 0, render } as never);
      const close = () => {
        stream.isOpen = false;
        closed();
      };
      return { render, stream, close };
    });
    return { pages, announce, finish, reads };
  };

  it('cost a look-up where no page shows them, however many are open, or being made', async () => {
    const { pages, announce, finish, reads } = opened(100);
    const walks = [vi.spyOn(Map.prototype, 'values'), vi.spyOn(Set.prototype, 'add')];
    const cost = () => {
      reads.mockClear();
      for (const walk of walks) walk.mockClear();
      for (let count = 0; count < 1_000; count++) announce(`other-${count}`);
      return [reads, ...walks].reduce((sum, { mock }) => sum + mock.calls.length, 0);
    };
    const meanwhile = cost();
    await finish();
    expect([meanwhile, cost()]).toEqual([0, 0]);
    expect(pages.every(({ render, stream }) => render.mock.calls.length + stream.send.mock.calls.length === 2)).toBe(
      true,
    );
  });

  it('bring the list of each page that shows them, and once more what changed while it was made', async () => {
    const { pages, announce, finish } = opened(3);
    const lists = () => pages.map(({ render }) => render.mock.calls.length);
    announce('0-3');
    await finish();
    expect(lists()).toEqual([2, 1, 1]);
    announce('1-9');
    await finish();
    // The same once more, while another list is being made: of what changed before that one was begun, it knows.
    announce('0-3');
    await finish();
    expect(lists()).toEqual([3, 2, 1]);
    await finish();
    announce('2-0');
    announce('2-1');
    expect(lists()).toEqual([3, 2, 2]);
    await finish();
    await finish();
    await finish();
    expect(lists()).toEqual([3, 2, 3]);
  });

  it('are nothing to a page that was closed, also while its list was made', async () => {
    const { pages, announce, finish } = opened(2);
    pages[0]!.close();
    await finish();
    pages[1]!.close();
    for (const id of ['0-1', '1-1']) announce(id);
    await finish();
    expect(pages.map(({ render }) => render.mock.calls.length)).toEqual([1, 1]);
  });
});
