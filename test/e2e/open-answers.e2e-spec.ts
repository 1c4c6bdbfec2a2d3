import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CookieTransport, JwtKnoxEvents } from '../../lib';
import type { LeaseCache } from '../../lib/cache/lease-cache';
import { pages } from '../../lib/pages';
import { RevocationStream } from '../../lib/routes/revocation-stream';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { SessionCache } from '../../lib/sessions/session-cache';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { clientAuthorization, createStreamingIssuer, portOf } from '../support/revocations';
import { connectionsOf } from '../support/use-app';

/** The longest of all: a snapshot of these is far larger than what the kernel takes by itself. */
const ENDS = 12_000;
const longId = (count: number) => `${count}`.padEnd(255, '語');

function tellMany({ app }: TestApp): void {
  const events = app.get(JwtKnoxEvents);
  for (let count = 0; count < ENDS; count++) {
    events.emit('session.announced', { scope: { realm: '', userId: longId(count) }, isEnd: true });
  }
}

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
  const connections = () => connectionsOf(t);

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
  /** Begins to read. Who would keep its connection, could send somebody's request on it in the moment that it is ended. */
  const expectUnkept = async (socket: Socket) => {
    const [head] = (await once(socket.resume(), 'data')) as [Buffer];
    expect(String(head)).toMatch(/^connection: close\r$/im);
  };
  /** A service that has not read what an issuer told of many ends. */
  const followMany = async () => {
    opened(await createStreamingIssuer(platform, 'sqlite'));
    tellMany(t);
    const socket = await follow();
    await expect.poll(connections).toBe(1);
    return socket;
  };

  it('of services that read do not hold up the end of the application', async () => {
    opened(await createStreamingIssuer(platform, 'sqlite'));
    await expectUnkept(await follow());
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
    await expectUnkept(await ask('/auth/pages/devices/events', `Bearer ${(await t.login()).access_token}`));
    await stop();
  });

  it('of services that read nothing do not hold up the end of the application', async () => {
    await followMany();
    await delay(1_000);
    await stop();
  });

  it('of services that read nothing do not outlive the feed', async () => {
    await followMany();
    await delay(1_000);
    (t.app.get(SessionCache) as LeaseCache).interrupted();
    await expect.poll(connections).toBe(0);
  });

  it('of services that read nothing are given up', async () => {
    await followMany();
    await expect.poll(connections).toBe(0);
  });

  it('of services that read slowly are read to their end', async () => {
    const socket = await followMany();
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

describe('answers that stay open, on HTTP/2', () => {
  const platform = { ...platforms[1]!, adapter: () => new FastifyAdapter({ http2: true } as object) };
  let t: TestApp;
  let session: ClientHttp2Session | undefined;
  afterEach(async () => {
    session?.destroy();
    await t?.close();
  });

  const ask = (path: string, authorization: string): ClientHttp2Stream => {
    session = connectHttp2(`http://127.0.0.1:${portOf(t)}`);
    const request = session.request({ ':path': path, authorization });
    return request.on('error', () => undefined);
  };

  it('of services that read nothing are given up', async () => {
    t = await createStreamingIssuer(platform, 'sqlite');
    tellMany(t);
    const request = ask(`/auth/revocations?nonce=${randomUUID()}`, clientAuthorization());
    const [{ ':status': status }] = (await once(request, 'response')) as [{ ':status': number }];
    expect(status).toBe(200);
    request.pause();
    const { followers } = t.app.get(RevocationStream) as unknown as { followers: Set<unknown> };
    expect(followers.size).toBe(1);
    await expect.poll(() => followers.size).toBe(0);
  });

  it('of pages that left while the guard looked are left, too', async () => {
    t = await createApp(platform, 'sqlite', {
      options: { transport: new CookieTransport() },
      extras: { features: [pages({ live: true })] },
    });
    const { accessToken } = await t.tokens.issue(await t.users.add('alice'));
    const find = t.users.findById.bind(t.users);
    const found = vi.spyOn(t.users, 'findById').mockImplementation(async (id) => {
      await delay(300);
      return find(id);
    });
    const opened = vi.spyOn(t.app.get(OpenChannels), 'open');
    const request = ask('/auth/pages/devices/events', `Bearer ${accessToken}`);
    await expect.poll(() => found.mock.calls.length).toBe(1);
    request.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => opened.mock.calls.length).toBe(1);
    await expect.poll(() => t.app.get(OpenChannels).size).toBe(0);
  });
});
