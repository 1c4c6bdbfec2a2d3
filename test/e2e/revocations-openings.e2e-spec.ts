import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TestApp } from '../support/create-app';
import { eventually } from '../support/eventually';
import { platforms } from '../support/platforms';
import { createHearingService, createStreamingIssuer, portOf, Relay } from '../support/revocations';

const DOWN = '[jwt-knox:stream-down] The revocation stream is not heard: ';
const UNTIL = ' Until it is, requests are refused with 503.';

describe('a service that begins to hear', () => {
  let issuer: TestApp;
  let relay: Relay;
  let closing: (() => Promise<unknown>)[];
  const warned = vi.spyOn(Logger.prototype, 'warn');
  const logged = vi.spyOn(Logger.prototype, 'log');
  const textsOf = ({ mock }: typeof warned) => mock.calls.map(([text]) => String(text));
  const warnings = () => textsOf(warned).filter((text) => text.startsWith(DOWN));
  const isToldHeard = () => textsOf(logged).some((text) => text.includes('stream-connected'));

  beforeEach(async () => {
    warned.mockClear();
    logged.mockClear();
    issuer = await createStreamingIssuer(platforms[0]!, 'sqlite');
    relay = await Relay.before(portOf(issuer));
    closing = [() => relay.close(), () => issuer.close()];
  });
  afterEach(async () => {
    for (const close of closing) await close();
  });

  const begin = async () => {
    const service = await createHearingService(platforms[0]!, { issuer, relay }, { introspection: false });
    closing.unshift(() => service.close());
    return service;
  };

  it('hears soon where the first answer took so long that all it says counts as too old', async () => {
    relay.delays = [2_300, 0];
    const { view, heard } = await begin();
    await heard();
    expect(relay.connections).toBe(2);
    expect(warnings()).toEqual([
      `${DOWN}What the issuer says comes too late, as over a slow link or in a busy process.${UNTIL}`,
    ]);
    await eventually(() => expect(isToldHeard()).toBe(true));
    await delay(1_500);
    expect([view.isFresh, relay.connections]).toEqual([true, 2]);
  });

  it('looks for a quicker answer ever more rarely where none can be had, and says that all is late', async () => {
    relay.delays = [1_200];
    await begin();
    await delay(10_000);
    expect(warnings()).toHaveLength(1);
    expect(isToldHeard()).toBe(false);
    expect(relay.connections).toBeGreaterThan(1);
    expect(relay.connections).toBeLessThan(6);
  });

  it.each(['text/html', undefined])('says so where something else answers with %s', async (type) => {
    relay.impostor = (response: ServerResponse) => {
      if (type) response.setHeader('content-type', type);
      response.end('<!doctype html>');
    };
    await begin();
    const right = 'Is the address right, and is this route enabled in `routes` there?';
    await eventually(() =>
      expect(warnings()).toEqual([`${DOWN}The issuer answered 200 without events. ${right}${UNTIL}`]),
    );
  });

  it('says so where streams end before they have told anything', async () => {
    relay.impostor = (response) => response.setHeader('content-type', 'text/event-stream').end();
    await begin();
    await eventually(() => expect(relay.connections).toBeGreaterThan(2));
    expect(warnings()).toEqual([`${DOWN}The issuer ended the stream before it had told what has ended.${UNTIL}`]);
  });

  it('a stream that is cut off after each snapshot fills no log, and is asked for ever more rarely', async () => {
    relay.change = (event) => {
      setTimeout(() => relay.cut(), 20);
      return event;
    };
    const { heard } = await begin();
    await delay(6_000);
    expect(warnings()).toHaveLength(1);
    expect(relay.connections).toBeGreaterThan(3);
    expect(relay.connections).toBeLessThan(12);
    logged.mockClear();
    relay.change = undefined;
    await heard();
    await eventually(() => expect(isToldHeard()).toBe(true));
    expect(warnings()).toHaveLength(1);
  });

  it('says that causes alternate, once each', async () => {
    let count = 0;
    relay.impostor = (response) => response.writeHead(count++ % 2 === 0 ? 401 : 404).end();
    await begin();
    await eventually(() => expect(count).toBeGreaterThan(5));
    expect(warnings()).toHaveLength(2);
  });

  it('says each cause of an outage, once', async () => {
    const port = portOf(issuer);
    relay.turnTo(1);
    await begin();
    await eventually(() => expect(relay.connections).toBeGreaterThan(2));
    expect(warnings()).toHaveLength(1);
    relay.impostor = (response) => response.writeHead(401).end();
    await eventually(() => expect(warnings()).toHaveLength(2));
    expect(warnings()[1]).toContain('The issuer answered 401. Compare id and secret');
    const before = relay.connections;
    await eventually(() => expect(relay.connections).toBeGreaterThan(before + 1));
    expect(warnings()).toHaveLength(2);
    relay.impostor = undefined;
    relay.turnTo(port);
    await eventually(() => expect(isToldHeard()).toBe(true));
  });
});
