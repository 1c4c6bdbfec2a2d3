import { randomBytes } from 'node:crypto';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { Controller, type ExecutionContext, UseGuards } from '@nestjs/common';
import {
  ClientProxyFactory, type ClientProxy, ClientsModule, EventPattern, MqttRecordBuilder, type NatsOptions,
  NatsRecordBuilder, Payload, RmqRecordBuilder, Transport,
} from '@nestjs/microservices'; // prettier-ignore
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxGuard, RequestContext, RequestContextReader } from '../../lib';
import { MicroserviceContextReader, withToken } from '../../lib/microservices';
import { BROKERS } from '../support/brokers';
import { createApp } from '../support/create-app';
import type { VerifierApp } from '../support/create-verifier';
import { forge, rightful } from '../support/forge';
import { FORGERIES } from '../support/forgeries';
import { type Door, doors, type Sender } from '../support/message-doors';
import { GatewayController, OrdersController } from '../support/microservices-recipe';
import { platforms } from '../support/platforms';
import type { User } from '../support/users';
import { createLandscape, type Landscape, MODES } from '../support/verified-services';

const bearer = (token: string): [string, string][] => [['authorization', `Bearer ${token}`]];
const extras = { contextReader: MicroserviceContextReader };
const inNats: NatsOptions = { transport: Transport.NATS, options: { servers: [BROKERS.nats] } };

describe.each(MODES)('a service that takes messages and verifies by %s', (mode) => {
  let t: Landscape;
  let door: Door;
  let sender: Sender;
  let alice: User;

  beforeAll(async () => {
    t = await createLandscape(platforms[0]!, 'sqlite');
    alice = await t.issuer.users.add('alice');
    door = doors.NATS();
    const prepare = (app: any) => void app.connectMicroservice(door.options);
    const service = await t.service(mode, extras, { controllers: [door.handlers], prepare });
    await service.app.startAllMicroservices();
    sender = await door.connect();
  });
  afterAll(async () => {
    await sender?.close();
    await t?.close();
  });

  it('D1: lets its users in, and refuses what is forged, belongs to another audience or says too little', async () => {
    const { access_token: access, refresh_token: refresh, session_id: sessionId } = await t.issuer.login();
    expect(await sender.askWith('me', access)).toMatchObject({ sessionId, token: access });
    const booty = { access, refresh, server: 'http://127.0.0.1:9' };
    const forged = FORGERIES.filter(({ reason }) => !['issuer', 'audience'].includes(reason));
    for (const { make } of forged) {
      const { refused } = await sender.ask('greet', bearer(make(booty)));
      expect(refused).toMatchObject({ status: 401, code: expect.stringMatching(/^(invalid_token|token_expired)$/) });
    }
    const elsewhere = forge(access, rightful.rsa, { payload: { aud: 'elsewhere' } });
    expect((await sender.ask('me', bearer(elsewhere))).refused.code).toBe('invalid_token');
    const { accessToken } = await t.issuer.tokens.issue(alice, {}, { scopes: ['stock:read'] });
    expect((await sender.askWith('read', accessToken)).refused).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
    });
    expect((await sender.ask('me', [])).refused.code).toBe('missing_token');
  });

  it(`hears of a logout ${mode === 'jwks' ? 'when the token expires' : 'at once'}`, async () => {
    const { access_token: token } = await t.issuer.login();
    await t.issuer.http.post('/auth/logout', { token });
    const { refused } = await sender.askWith('me', token);
    expect(refused?.code).toBe(mode === 'jwks' ? undefined : 'invalid_token');
  });
});

describe('a gateway that forwards the token of the caller', () => {
  let t: Landscape;
  let gateway: VerifierApp;
  let alice: User;

  beforeAll(async () => {
    t = await createLandscape(platforms[0]!, 'sqlite');
    alice = await t.issuer.users.add('alice');
    const prepare = (app: any) => void app.connectMicroservice(inNats);
    const service = await t.service('introspect', extras, { controllers: [OrdersController], prepare });
    await service.app.startAllMicroservices();
    const imports = [ClientsModule.register([{ name: 'ORDERS', ...inNats }])];
    gateway = await t.service('jwks', {}, { controllers: [GatewayController], imports });
  });
  afterAll(() => t?.close());

  const ask = async (token?: string) => {
    const { status, body } = await gateway.http.get('/my-orders', { token });
    return { status, body };
  };

  it('answers with what the service knows of this user', async () => {
    const { access_token: token } = await t.issuer.login();
    const userId = String(alice.id);
    expect(await ask(token)).toEqual({ status: 200, body: [{ id: 1, userId, year: 2026 }] });
  });

  it('tells its client why the service refused', async () => {
    expect(await ask()).toMatchObject({ status: 401, body: { statusCode: 401, code: 'missing_token' } });
    const { accessToken } = await t.issuer.tokens.issue(alice, {}, { scopes: ['stock:read'] });
    expect(await ask(accessToken)).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    const { access_token: token } = await t.issuer.login();
    await t.issuer.http.post('/auth/logout', { token });
    // The gateway goes by the token's own end, the service asks.
    const message = 'The access token is not valid.';
    expect(await ask(token)).toEqual({ status: 401, body: { statusCode: 401, code: 'invalid_token', message } });
    await t.gate.down();
    expect(await ask(token)).toMatchObject({ status: 503, body: { code: 'issuer_unavailable' } });
  });
});

describe('events, which nobody answers', () => {
  const subject = `jwt-knox-${randomBytes(6).toString('hex')}`;
  const heard: unknown[] = [];

  @Controller()
  @UseGuards(JwtKnoxGuard)
  class Listeners {
    @EventPattern<string>(subject)
    told(@CurrentUser('username') username: string, @Payload() { text }: { text: string }) {
      heard.push([username, text]);
    }
  }

  it('reach their handler with a good token, in the order of the sender, and are dropped without', async () => {
    const t = await createApp(platforms[0]!, 'sqlite', {
      extras,
      controllers: [Listeners],
      prepare: (app) => void app.connectMicroservice(inNats),
    });
    const client = ClientProxyFactory.create(inNats) as unknown as ClientProxy;
    try {
      await t.app.startAllMicroservices();
      await t.users.add('alice');
      const { access_token: token } = await t.login();
      const tell = (text: string, sent?: string) => {
        const record = new NatsRecordBuilder({ text }).setHeaders(natsHeaders()).build();
        return lastValueFrom(client.emit(subject, sent ? withToken(record, sent) : record), {
          defaultValue: undefined,
        });
      };
      await tell('without');
      await tell(
        'forged',
        forge(token, () => Buffer.alloc(32)),
      );
      await tell('with', token);
      await expect.poll(() => heard).toEqual([['alice', 'with']]);
      expect(t.events.map(({ name }) => name)).toContain('authentication.rejected');
    } finally {
      await client.close();
      await t.close();
    }
  });
});

describe('D4', () => {
  /** What a host must not do, and what the library does not. */
  class ConfidingReader extends RequestContextReader {
    override read(context: ExecutionContext) {
      return context.getType() === 'rpc' ? new RequestContext(context.getArgByIndex(0)) : super.read(context);
    }
  }

  it('control: a reader that takes a payload for a request lets a forger of requests in', async () => {
    const door = doors.NATS();
    const t = await createApp(platforms[0]!, 'sqlite', {
      extras: { contextReader: ConfidingReader },
      controllers: [door.handlers],
      prepare: (app) => void app.connectMicroservice(door.options),
    });
    const sender = await door.connect();
    try {
      await t.app.startAllMicroservices();
      await t.users.add('alice');
      const { access_token: token } = await t.login();
      const reply = await sender.ask('greet', [], { headers: { authorization: `Bearer ${token}` } });
      expect(reply).toEqual({ hello: 'alice' });
    } finally {
      await sender.close();
      await t.close();
    }
  });
});

describe('what a broker lets through', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  async function open(door: Door) {
    const t = await createApp(platforms[0]!, 'sqlite', {
      extras,
      controllers: [door.handlers],
      prepare: (app) => void app.connectMicroservice(door.options),
    });
    closing.push(() => t.close());
    await t.app.startAllMicroservices();
    const sender = await door.connect();
    closing.push(() => sender.close());
    await t.users.add('alice');
    return { t, sender, token: (await t.login()).access_token as string };
  }

  it('of 10 MB: RabbitMQ and MQTT deliver it to its user, and to nobody without a token', async () => {
    const text = 'x'.repeat(10_000_000);
    for (const make of [doors.RabbitMQ, doors['MQTT 5']]) {
      const { sender, token } = await open(make());
      expect((await sender.askWith('me', token, { text })).sent.text).toBe(text.length);
      expect((await sender.ask('me', [], { text, headers: { authorization: `Bearer ${token}` } })).refused.code).toBe(
        'missing_token',
      );
    }
  });

  it('NATS refuses 10 MB by its own limit, and goes on with smaller ones', async () => {
    const { sender, token } = await open(doors.NATS());
    const { refused } = await sender.askWith('me', token, { text: 'x'.repeat(10_000_000) });
    expect(String(refused)).toMatch(/payload/i);
    expect((await sender.askWith('me', token, { text: 'x'.repeat(900_000) })).sent.text).toBe(900_000);
  });

  it('MQTT 3.1.1 has no properties: every message is refused, and its sender learns why', async () => {
    const door = doors['MQTT 5']();
    (door.options as any).options.protocolVersion = 4;
    const { sender, token } = await open(door);
    expect((await sender.askWith('me', token)).refused).toMatchObject({
      code: 'missing_token',
      message: expect.stringMatching(/protocolVersion: 5/),
    });
  });
});

describe('withToken', () => {
  const client = ClientProxyFactory.create(inNats) as unknown as ClientProxy;
  afterAll(() => client.close());

  it('gives each message its own token, however many share their headers', async () => {
    const door = doors.NATS();
    const t = await createApp(platforms[0]!, 'sqlite', {
      extras,
      controllers: [door.handlers],
      prepare: (app) => void app.connectMicroservice(door.options),
    });
    try {
      await t.app.startAllMicroservices();
      for (const name of ['alice', 'bob']) await t.users.add(name);
      const tokens = [(await t.login()).access_token, (await t.login('bob')).access_token];
      const shared = natsHeaders();
      shared.append('x-trace', '1');
      shared.append('Authorization', 'Bearer of-somebody-else');
      const record = new NatsRecordBuilder({ text: '5' }).setHeaders(shared).build();
      // All are made before the first one is sent.
      const pattern = Reflect.getMetadata('microservices:pattern', door.handlers.prototype.slow)[0];
      const sent = Array.from({ length: 20 }, (_, index) => client.send(pattern, withToken(record, tokens[index % 2])));
      const names = (await Promise.all(sent.map((one) => firstValueFrom(one)))).map((one: any) => one.username);
      expect(names).toEqual(Array.from({ length: 20 }, (_, index) => ['alice', 'bob'][index % 2]));
      expect([...shared]).toEqual([
        ['x-trace', ['1']],
        ['Authorization', ['Bearer of-somebody-else']],
      ]);
    } finally {
      await t.close();
    }
  });

  it('keeps what a record has beside', () => {
    const rmq = new RmqRecordBuilder({})
      .setOptions({ priority: 3, headers: { 'x-trace': '1', AUTHORIZATION: 'x' } })
      .build();
    expect(withToken(rmq, 'a.b.c').options).toEqual({
      priority: 3,
      headers: { 'x-trace': '1', authorization: 'Bearer a.b.c' },
    });
    const mqtt = new MqttRecordBuilder({})
      .setQoS(1)
      .setProperties({ userProperties: { a: 'b' }, contentType: 'x' })
      .build();
    const properties = { userProperties: { a: 'b', authorization: 'Bearer a.b.c' }, contentType: 'x' };
    expect(withToken(mqtt, 'a.b.c').options).toEqual({ qos: 1, properties });
    const kafka = { key: 'k', value: 1 };
    expect(withToken(kafka, 'a.b.c')).toEqual({ ...kafka, headers: { authorization: 'Bearer a.b.c' } });
    expect(kafka).toEqual({ key: 'k', value: 1 });
  });

  it.each([
    ['a token with a line break', () => withToken({ value: 1 }, 'a\r\nx: y')],
    ['no token', () => withToken({ value: 1 }, undefined as any)],
    ['an empty token', () => withToken({ value: 1 }, '')],
    ['a NATS record without headers', () => withToken(new NatsRecordBuilder({}).build(), 'a.b.c')],
    ['a payload', () => withToken({ text: 'hello' } as any, 'a.b.c')],
    ['nothing', () => withToken(undefined as any, 'a.b.c')],
  ])('refuses %s', (_title, make) => {
    expect(make).toThrow(/^withToken: /);
  });
});
