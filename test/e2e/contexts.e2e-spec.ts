import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxGuard, MissingTokenError, RequestAuthenticator, RequestContext, RequestContextReader } from '../../lib';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import type { Platform } from '../support/platforms';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A context as Nest makes it for one call of a handler. */
function contextOf(type: string, args: unknown[]): ExecutionContext {
  class Handlers {
    handle() {}
  }
  const context = new ExecutionContextHost(args, Handlers, Handlers.prototype.handle);
  context.setType(type);
  return context;
}

class SocketReader extends RequestContextReader {
  override read(context: ExecutionContext) {
    return new RequestContext(context.switchToWs().getClient<{ handshake: unknown }>().handshake);
  }
}

@Injectable()
class SocketGuard extends JwtKnoxGuard {
  constructor(authenticator: RequestAuthenticator) {
    super(new SocketReader(), authenticator);
  }
}

describe.each(everyEnvironment)('the guard outside of HTTP: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` }, url: '/' });

  it.each<[string, ExecutionContext]>([
    ['a GraphQL subscription without a request', contextOf('graphql', [null, {}, { connectionParams: {} }, {}])],
    ['GraphQL without a context', contextOf('graphql', [null, {}, undefined, {}])],
    ['a message that is text', contextOf('rpc', ['text', {}])],
    ['a message that is an object', contextOf('rpc', [{ text: 'hello' }, {}])],
    ['a message without data', contextOf('rpc', [undefined, undefined])],
  ])('answers %s with "missing token", and leaves no rejection behind', async (_title, context) => {
    await open(platform, kind);
    const left: unknown[] = [];
    const note = (reason: unknown) => void left.push(reason);
    process.on('unhandledRejection', note);
    try {
      await expect(t.app.get(JwtKnoxGuard).canActivate(context)).rejects.toThrow(MissingTokenError);
      // Node tells of a rejection that nobody handled once the microtasks are done.
      await turn();
      await turn();
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(left).toEqual([]);
  });

  it('asks again for every message of a socket: a session that was ended, or has expired, is refused', async () => {
    await open(platform, kind, { providers: [SocketGuard] });
    await t.users.add('alice');
    const guard = t.app.get(SocketGuard);
    const [ended, expiring] = [(await t.login()).access_token, (await t.login()).access_token];
    for (const [token, end] of [
      [ended, () => t.http.post('/auth/logout', { token: ended })],
      [expiring, () => t.clock.advance('1h')],
    ] as const) {
      const client = { handshake: bearer(token) };
      const message = () => guard.canActivate(contextOf('ws', [client, { text: 'hello' }]));
      expect([await message(), await message()]).toEqual([true, true]);
      await end();
      await expect(message()).rejects.toMatchObject({ status: 401 });
    }
  });
});
