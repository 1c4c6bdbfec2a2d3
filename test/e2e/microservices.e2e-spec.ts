import { readFileSync } from 'node:fs';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller, Logger, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import {
  BaseRpcContext, ClientProxyFactory, type ClientProxy, EventPattern, GrpcMethod, GrpcStreamCall, GrpcStreamMethod, KafkaContext, MessagePattern,
  Payload, RedisContext, RpcException, Transport,
} from '@nestjs/microservices'; // prettier-ignore
import { firstValueFrom, lastValueFrom, map, type Observable, of } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CurrentUser, JwtKnoxGuard, OptionalAuth, Public, StorageUnavailableError } from '../../lib';
import { MicroserviceContextReader } from '../../lib/microservices';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { createApp, type TestApp } from '../support/create-app';
import { messageCases } from '../support/message-cases';
import { doors } from '../support/message-doors';
import { platforms } from '../support/platforms';
import { notingLogger } from '../support/noting-logger';

// Brokers are met in test/brokers; this one is in the process of the test.
messageCases('gRPC', doors.gRPC, 1);

const NO_TOKEN = 'Authentication is required: send an access token.';
let t: TestApp;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function open(controller: any, options: any, logger?: any) {
  t = await createApp(platforms[0]!, 'sqlite', {
    extras: { contextReader: MicroserviceContextReader },
    controllers: [controller],
    prepare: (app) => void app.connectMicroservice(options),
    logger,
  });
  closing.push(() => t.close());
  await t.app.startAllMicroservices();
  await t.users.add('alice');
  return t;
}

describe('streams of gRPC', () => {
  @Controller()
  @UseGuards(JwtKnoxGuard)
  class Streams {
    @GrpcStreamMethod('Messages', 'stream')
    stream(asks: Observable<{ text: string }>, _metadata: unknown, _call: unknown) {
      return asks.pipe(map(({ text }) => ({ json: text })));
    }
    @GrpcStreamCall('Messages', 'call')
    call(@Payload() call: any, @CurrentUser('username') username: string) {
      call.on('data', ({ text }: { text: string }) => call.write({ json: `${username}: ${text}` }));
      call.on('end', () => call.end());
    }
  }

  const connect = () => {
    const { options } = doors.gRPC();
    return options as any;
  };

  it('are let in by the metadata of their call, and refused with UNAUTHENTICATED without a token', async () => {
    const options = connect();
    await open(Streams, options);
    const client = ClientProxyFactory.create(options) as any;
    closing.push(() => client.close());
    const service = client.getService('Messages');
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${(await t.login()).access_token}`);
    expect(await lastValueFrom(service.stream(of({ text: 'hello' }), metadata))).toEqual({ json: 'hello' });
    const refused = lastValueFrom(service.stream(of({ text: 'hello' }), new Metadata()));
    await expect(refused).rejects.toMatchObject({ code: 16, details: NO_TOKEN });
  });

  it('whose handler gets the call alone are judged by its metadata too', async () => {
    const options = connect();
    await open(Streams, options);
    const service = new (loadPackageDefinition(loadSync(options.options.protoPath)) as any).messages.Messages(
      options.options.url,
      credentials.createInsecure(),
    );
    closing.push(() => service.close());
    const say = (metadata: Metadata) =>
      new Promise((resolve) => {
        const call = service.call(metadata);
        call.on('data', resolve).on('error', resolve);
        call.write({ text: 'hello' });
        call.end();
      });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${(await t.login()).access_token}`);
    expect(await say(metadata)).toEqual({ json: 'alice: hello' });
    expect(await say(new Metadata())).toMatchObject({ code: 16 });
  });
});

describe('guard: global', () => {
  @Controller()
  class Unguarded {
    @GrpcMethod('Messages', 'me') me(@CurrentUser('username') username: string) {
      return { json: JSON.stringify({ username }) };
    }
    @Public() @GrpcMethod('Messages', 'open') open() {
      return { json: '{}' };
    }
  }
  const extras = { contextReader: MicroserviceContextReader, guard: 'global' } as const;

  it('stands before messages too, where they inherit the configuration of the application', async () => {
    const door = doors.gRPC();
    t = await createApp(platforms[0]!, 'sqlite', {
      extras,
      controllers: [Unguarded],
      prepare: (app) => void app.connectMicroservice(door.options, { inheritAppConfig: true }),
    });
    closing.push(() => t.close());
    await t.app.startAllMicroservices();
    const sender = await door.connect();
    closing.push(() => sender.close());
    await t.users.add('alice');
    expect(await sender.askWith('me', (await t.login()).access_token)).toEqual({ username: 'alice' });
    expect(await sender.ask('me', [])).toEqual({ refused: { code: 'missing_token', grpc: 16, message: NO_TOKEN } });
    expect(await sender.ask('open', [])).toEqual({});
  });

  it('stands before messages of an application that has nothing else', async () => {
    const door = doors.gRPC();
    @Module({
      imports: [
        JwtKnoxVerifierModule.forRoot({
          issuer: 'https://auth.example',
          audience: 'orders',
          jwks: { uri: 'http://127.0.0.1:9/jwks' },
          ...extras,
        }),
      ],
      controllers: [Unguarded],
    })
    class Service {}
    const app = await NestFactory.createMicroservice(Service, { ...door.options, logger: false, abortOnError: false });
    closing.push(() => app.close());
    await app.listen();
    const sender = await door.connect();
    closing.push(() => sender.close());
    expect(await sender.ask('me', [])).toEqual({ refused: { code: 'missing_token', grpc: 16, message: NO_TOKEN } });
    expect((await sender.ask('me', [['authorization', 'Bearer hello']])).refused).toMatchObject({ grpc: 16 });
    expect(await sender.ask('open', [])).toEqual({});
  });
});

describe('transports without headers', () => {
  const heard: string[] = [];

  @Controller()
  @UseGuards(JwtKnoxGuard)
  class Plain {
    @MessagePattern('me') me() {
      return 'let in';
    }
    @OptionalAuth() @MessagePattern('greet') greet(@CurrentUser('username') username?: string) {
      return username ?? 'stranger';
    }
    @Public() @MessagePattern('open') open() {
      return 'open';
    }
    @EventPattern('told') told(_told: unknown) {
      heard.push('told');
    }
  }

  it('D2: refuse every message over TCP, and say why to its sender and in the log', async () => {
    const options = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;
    const log = vi.fn();
    const logger = notingLogger(log, 'warn', 'error');
    Logger.overrideLogger(logger);
    closing.push(() => Logger.overrideLogger(false));
    await open(Plain, options, logger);
    const [server] =
      (t.app as any).getMicroservices?.() ?? (t.app as any).microservices.map((one: any) => one.instance ?? one);
    const { port } = (server.server ?? server.serverInstance).unwrap().address();
    const client = ClientProxyFactory.create({ ...options, options: { host: '127.0.0.1', port } }) as ClientProxy;
    closing.push(() => client.close());
    const authorization = `Bearer ${(await t.login()).access_token}`;
    const payload = { headers: { authorization }, authorization, user: { username: 'alice' } };
    const send = (name: string) => firstValueFrom(client.send<string>(name, payload));
    const message = expect.stringMatching(/^Nest's TCP transport carries no headers/);
    await expect(send('me')).rejects.toEqual({ code: 'missing_token', status: 401, message });
    expect(await send('greet')).toBe('stranger');
    expect(await send('open')).toBe('open');
    await lastValueFrom(client.emit('told', payload), { defaultValue: undefined });
    expect(await send('open')).toBe('open');
    expect(heard).toEqual([]);
    expect(log.mock.calls.flat().join('\n')).toMatch(/A message was refused: Nest's TCP transport/);
  });

  class OwnContext extends BaseRpcContext {}

  it.each<[string, unknown[], RegExp]>([
    ['Redis', [{}, new RedisContext(['me'])], /^Nest's Redis transport carries no headers/],
    ['a transport of the host’s own', [{}, new OwnContext([])], /does not know this transport/],
    [
      'a context that is a plain object',
      [{}, { headers: { authorization: 'Bearer x' } }],
      /does not know this transport/,
    ],
  ])('D2: refuse every message over %s', async (_title, args, message) => {
    await open(Plain, { transport: Transport.TCP, options: { port: 0 } });
    const context = new ExecutionContextHost(args, Plain, Plain.prototype.me);
    context.setType('rpc');
    const error: RpcException = await t.app
      .get(JwtKnoxGuard)
      .canActivate(context)
      .then(String, (one) => one);
    expect(error).toBeInstanceOf(RpcException);
    expect(error.getError()).toEqual({ code: 'missing_token', status: 401, message: expect.stringMatching(message) });
  });

  it.each<[string, unknown[]]>([
    ['no context', [{ headers: { authorization: 'Bearer x' } }]],
    ['nothing at all', []],
    ['a context that is text', [{}, 'text']],
  ])('D2, D4: a message with %s is refused, and its payload not written to', async (_title, args) => {
    await open(Plain, { transport: Transport.TCP, options: { port: 0 } });
    const before = JSON.stringify(args);
    const context = new ExecutionContextHost(args, Plain, Plain.prototype.me);
    context.setType('rpc');
    await expect(t.app.get(JwtKnoxGuard).canActivate(context)).rejects.toMatchObject({ code: 'missing_token' });
    expect(JSON.stringify(args)).toBe(before);
    expect(args.flatMap((one) => Object.getOwnPropertySymbols(Object(one)))).toEqual([]);
  });

  it('Kafka: the token is in the headers of the message, as text or as bytes', async () => {
    await open(Plain, { transport: Transport.TCP, options: { port: 0 } });
    const guard = t.app.get(JwtKnoxGuard);
    const { access_token: token } = await t.login();
    const judge = (headers: object | undefined) => {
      const kafka = new KafkaContext([
        { headers, value: { headers: {} } } as any,
        0,
        'orders',
        null as any,
        null as any,
        null as any,
      ]);
      const context = new ExecutionContextHost([{}, kafka], Plain, Plain.prototype.me);
      context.setType('rpc');
      return guard.canActivate(context).catch((error: RpcException) => (error.getError() as any).code);
    };
    expect(await judge({ authorization: `Bearer ${token}` })).toBe(true);
    expect(await judge({ authorization: Buffer.from(`Bearer ${token}`) })).toBe(true);
    expect(await judge({ authorization: [Buffer.from(`Bearer ${token}`), `Bearer ${token}`] })).toBe('invalid_request');
    expect(await judge({})).toBe('missing_token');
    expect(await judge(undefined)).toBe('missing_token');
  });

  it('D2: a storage that is down is told as such: UNAVAILABLE over gRPC', async () => {
    const options = doors.gRPC();
    t = await createApp(platforms[0]!, 'sqlite', {
      extras: { contextReader: MicroserviceContextReader },
      controllers: [options.handlers],
      prepare: (app) => void app.connectMicroservice(options.options),
    });
    closing.push(() => t.close());
    await t.app.startAllMicroservices();
    const sender = await options.connect();
    closing.push(() => sender.close());
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    await t.source.query('ALTER TABLE jwt_knox_sessions RENAME TO elsewhere');
    const { code, message } = new StorageUnavailableError();
    expect(await sender.askWith('me', token)).toEqual({ refused: { code, message, grpc: 14 } });
  });
});

describe('the page of microservices', () => {
  it('shows the code of the gateway and of the service that test/brokers runs', () => {
    const source = readFileSync('test/support/microservices-recipe.ts', 'utf8');
    const page = readFileSync('docs/23-microservices.md', 'utf8');
    const examples = [...source.matchAll(/\/\*\* Example: .* \*\/\n([\s\S]*?)\/\*\* End of example \*\//g)];
    expect(examples).toHaveLength(2);
    for (const [, code] of examples) expect(page).toContain(code!.trim());
  });
});
