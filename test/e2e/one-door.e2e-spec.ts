import { AsyncLocalStorage } from 'node:async_hooks';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BearerTransport, type TokenService } from '../../lib';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';

const LIB = join(__dirname, '../../lib');
/** In the order in which a request may enter them: none imports those before it. */
const ROOMS = ['guard', 'sessions', 'tokens', 'typeorm'];

interface Entry {
  from: string | undefined;
  into: string;
  method: string;
  /** The rooms that are still at work when this one is entered. */
  open: readonly string[];
}

/** Notes which room calls which: every method of every class of these rooms tells when it is entered. */
class RoomRecorder {
  readonly entries: Entry[] = [];
  private readonly open = new AsyncLocalStorage<readonly string[]>();
  private readonly restore: (() => void)[] = [];

  async watch(): Promise<void> {
    for (const room of ROOMS) {
      for (const file of readdirSync(join(LIB, room)).filter((name) => name.endsWith('.ts'))) {
        const exported = (await import(join(LIB, room, file))) as Record<string, unknown>;
        for (const one of Object.values(exported)) if (isClass(one)) this.wrap(one.prototype, room);
      }
    }
  }

  stop(): void {
    for (const restore of this.restore) restore();
  }

  private wrap(prototype: Record<string, unknown>, room: string): void {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name === 'constructor' || typeof value !== 'function') continue;
      const { entries, open } = this;
      const wrapped = function (this: unknown, ...args: unknown[]): unknown {
        const before = open.getStore() ?? [];
        if (before.at(-1) === room) return value.apply(this, args);
        entries.push({ from: before.at(-1), into: room, method: name, open: before });
        return open.run([...before, room], () => value.apply(this, args) as unknown);
      };
      for (const key of Reflect.ownKeys(value))
        Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(value, key)!);
      prototype[name] = wrapped;
      this.restore.push(() => void (prototype[name] = value));
    }
  }
}

function isClass(value: unknown): value is { prototype: Record<string, unknown> } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

describe.each(everyEnvironment)('the way of a raw token: $title', ({ platform, kind }) => {
  let t: TestApp;
  let recorder: RoomRecorder;

  beforeAll(async () => {
    recorder = new RoomRecorder();
    await recorder.watch();
    t = await createApp(platform, kind, {});
    await t.users.add('alice');
  });
  afterEach(() => void (recorder.entries.length = 0));
  afterAll(async () => {
    await t?.close();
    recorder.stop();
  });

  it('goes straight on: from guard to sessions, from there to tokens and storage, into no room twice', async () => {
    const { access_token: token } = await t.login();
    recorder.entries.length = 0;
    expect((await t.http.get('/notes', { token })).status).toBe(200);
    const path = recorder.entries.map(({ from, into }) => `${from ?? 'request'} → ${into}`);
    // Back into a room that is still at work would be a circle; back to the left, a wrong arrow.
    for (const { into, open } of recorder.entries) expect(open).not.toContain(into);
    const doors = recorder.entries.filter(({ from, into }) => from === 'guard' && into === 'sessions');
    expect(doors.map(({ method }) => method)).toContain('authenticate');
    expect(doors.filter(({ method }) => method === 'authenticate')).toHaveLength(1);
    expect(new Set(path)).toEqual(
      new Set(['request → guard', 'guard → sessions', 'sessions → tokens', 'sessions → typeorm']),
    );
    const opened = recorder.entries.filter(({ into, method }) => into === 'tokens' && method === 'open');
    const read = recorder.entries.filter(({ into, method }) => into === 'typeorm' && method === 'findById');
    expect([opened.length, read.length]).toEqual([1, 1]);
  });

  it('control: a transport that opens the token by itself is noticed', async () => {
    class Curious extends BearerTransport {
      tokens: TokenService | undefined;
      override readAccess(request: any): string | null {
        const token = super.readAccess(request);
        if (token !== null) void this.tokens?.authenticate(token).catch(() => undefined);
        return token;
      }
    }
    const transport = new Curious();
    const curious = await createApp(platform, kind, { options: { transport } });
    try {
      await curious.users.add('alice');
      const { access_token: token } = await curious.login();
      transport.tokens = curious.tokens;
      recorder.entries.length = 0;
      await curious.http.get('/notes', { token });
      expect(recorder.entries.filter(({ into, method }) => into === 'tokens' && method === 'open')).toHaveLength(2);
    } finally {
      await curious.close();
    }
  });

  it('is the same from TokenService on, without the guard', async () => {
    const { access_token: token } = await t.login();
    recorder.entries.length = 0;
    await t.tokens.authenticate(token);
    expect(new Set(recorder.entries.map(({ from, into }) => `${from ?? 'host'} → ${into}`))).toEqual(
      new Set(['host → sessions', 'sessions → tokens', 'sessions → typeorm']),
    );
  });
});
