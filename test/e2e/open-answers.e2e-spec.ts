import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { CookieTransport, JwtKnoxEvents } from '../../lib';
import type { LeaseCache } from '../../lib/cache/lease-cache';
import { pages } from '../../lib/pages';
import { SessionCache } from '../../lib/sessions/session-cache';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { clientAuthorization, createStreamingIssuer, portOf } from '../support/revocations';

/** The longest of all: a snapshot of these is far larger than what the kernel takes by itself. */
const ENDS = 12_000;
const longId = (count: number) => `${count}`.padEnd(255, '語');

describe.each(platforms)('answers that stay open, on $name', (platform) => {
  let t: TestApp;
  let isClosed: boolean;
  const sockets: Socket[] = [];

  const stop = async () => {
    isClosed = true;
    await t.app.close();
  };
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    if (!isClosed) await t.close();
  });

  const opened = (app: TestApp): TestApp => {
    isClosed = false;
    // Longer than a test may take: nobody else ends a connection that is kept.
    app.app.getHttpServer().keepAliveTimeout = 600_000;
    return (t = app);
  };
  const connections = () =>
    new Promise<number>((resolve) =>
      t.app.getHttpServer().getConnections((_: unknown, count: number) => resolve(count)),
    );

  /** Asks by a connection that may be kept, and reads nothing yet. */
  const ask = async (path: string, authorization: string): Promise<Socket> => {
    const socket = connect(portOf(t), '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    socket.pause().on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`);
    return socket;
  };
  const follow = () => ask(`/auth/revocations?nonce=${randomUUID()}`, clientAuthorization());
  const issuerOfMany = async () => {
    opened(await createStreamingIssuer(platform, 'sqlite'));
    const events = t.app.get(JwtKnoxEvents);
    for (let count = 0; count < ENDS; count++) {
      events.emit('session.announced', { scope: { realm: '', userId: longId(count) }, isEnd: true });
    }
  };

  it('of services that read do not hold up the end of the application', async () => {
    opened(await createStreamingIssuer(platform, 'sqlite'));
    const socket = await follow();
    await once(socket.resume(), 'data');
    await stop();
  });

  it('of pages that are open do not hold up the end of the application', async () => {
    opened(
      await createApp(platform, 'sqlite', {
        options: { transport: new CookieTransport() },
        extras: { features: [pages({ live: true })] },
      }),
    );
    await t.users.add('alice');
    const socket = await ask('/auth/pages/devices/events', `Bearer ${(await t.login()).access_token}`);
    await once(socket.resume(), 'data');
    await stop();
  });

  it('of services that read nothing do not hold up the end of the application', async () => {
    await issuerOfMany();
    await follow();
    await expect.poll(connections).toBe(1);
    await delay(1_000);
    await stop();
  });

  it('of services that read nothing do not outlive the feed', async () => {
    await issuerOfMany();
    await follow();
    await expect.poll(connections).toBe(1);
    await delay(1_000);
    (t.app.get(SessionCache) as LeaseCache).interrupted();
    await expect.poll(connections).toBe(0);
  });

  it('of services that read nothing are given up', async () => {
    await issuerOfMany();
    await follow();
    await expect.poll(connections).toBe(1);
    await expect.poll(connections).toBe(0);
  });

  it('of services that read slowly are read to their end', async () => {
    await issuerOfMany();
    const socket = await follow();
    await delay(1_000);
    // About a megabyte a second, for longer than one is kept that reads nothing.
    let read = 0;
    while (read < ENDS * 1_000 && !socket.destroyed) {
      const length = (socket.read() as Buffer | null)?.length ?? 0;
      read += length;
      await delay(Math.max(20, length / 1_200));
    }
    expect(socket.destroyed).toBe(false);
    await expect.poll(connections).toBe(1);
  });
});
