import { expect, it, vi } from 'vitest';
import { JwtKnoxEvents } from '../../../lib';
import { DeviceStreams } from '../../../lib/pages/device-streams';

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
