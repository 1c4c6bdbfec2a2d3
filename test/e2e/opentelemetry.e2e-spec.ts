import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxConfigurationError } from '../../lib';
import { leaseCache, localFeed } from '../../lib/cache';
import { observeJwtKnox, openTelemetry } from '../../lib/opentelemetry';
import { AUTHENTICATE } from '../../lib/contracts/diagnostics';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { Telemetry } from '../support/telemetry';

let telemetry: Telemetry;
beforeEach(() => {
  telemetry = new Telemetry();
});
afterEach(() => telemetry.stop());

const observed = () => ({ ...openTelemetryOf(telemetry) });
const openTelemetryOf = ({ tracerProvider, meterProvider }: Telemetry) => ({ tracerProvider, meterProvider });

describe.each(environments)('spans and metrics of OpenTelemetry: $title', ({ platform, kind }) => {
  const run = async (act: (t: TestApp) => Promise<void>, extras = {}) => {
    const t = await createApp(platform, kind, {
      extras: { features: [openTelemetry(observed())], ...extras },
      prepare: telemetry.traceRequests,
      ...('storage' in extras && { entities: [JwtKnoxSession, JwtKnoxFence] }),
    });
    try {
      await t.users.add('alice');
      await act(t);
    } finally {
      await t.close();
    }
  };

  it('of a login, a request, a refresh, a refusal and a logout are as they were reviewed', async () => {
    let points = {};
    await run(async (t) => {
      const login = await t.login();
      t.clock.advance('2m');
      await t.http.get('/notes', { token: login.access_token });
      const { body } = await t.http.post('/auth/refresh', { json: { refresh_token: login.refresh_token } });
      await t.http.get('/notes', { token: `${body.access_token}x` });
      await t.http.post('/auth/logout', { token: body.access_token });
      await turn();
      points = await telemetry.points();
    });
    const text = `${JSON.stringify({ spans: telemetry.spanTree(), metrics: points }, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot('./golden/opentelemetry.json');
  });

  it('say what failed, as an error of the span', async () => {
    const { storage, control } = controlledRepository();
    await run(
      async (t) => {
        const { access_token: token } = await t.login();
        telemetry.exporter.reset();
        control.intercept = async () => Promise.reject(new Error('gone'));
        expect((await t.http.get('/notes', { token })).status).toBe(503);
        control.heal();
      },
      { storage },
    );
    const attributes = {
      'jwt_knox.cached': false,
      'jwt_knox.outcome': 'unavailable',
      'error.type': 'storage_unavailable',
    };
    expect(telemetry.spanTree()).toEqual([
      expect.objectContaining({
        span: 'GET /notes',
        children: [
          expect.objectContaining({
            span: '!jwt_knox.authenticate',
            attributes,
            children: [expect.objectContaining({ span: '!jwt_knox.storage findById' })],
          }),
        ],
      }),
    ]);
  });

  it('change no verdict, however often they are collected under load', async () => {
    await run(async (t) => {
      const { access_token: token } = await t.login();
      const mix = Array.from({ length: 120 }, (_, index) => (index % 3 === 0 ? `${token}x` : token));
      const ask = () => Promise.all(mix.map(async (one) => (await t.http.get('/notes', { token: one })).status));
      const quiet = await ask();
      let collected = 0;
      const over = new AbortController();
      const collect = async () => {
        for (; !over.signal.aborted; collected++) {
          await telemetry.points();
          await turn();
        }
      };
      const collecting = collect();
      const busy = await ask();
      over.abort();
      await collecting;
      expect(collected).toBeGreaterThan(3);
      expect(busy).toEqual(quiet);
      expect(new Set(quiet)).toEqual(new Set([200, 401]));
      const { 'jwt_knox.authenticate.duration': judged } = await telemetry.points();
      expect(judged!.points.map(([, count]) => count).toSorted((a, b) => a - b)).toEqual([80, 160]);
    });
  });
});

describe('openTelemetry', () => {
  const { platform, kind } = environments[0]!;
  const withFeatures = (features: any[], more = {}) => createApp(platform, kind, { extras: { features, ...more } });

  it('tells what memory holds and answered, and of the feed and open sockets', async () => {
    const cache = leaseCache({ feed: localFeed(), users: { announcedBy: 'application' } });
    const t = await withFeatures([cache, openTelemetry(observed())]);
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    for (let count = 0; count < 3; count++) await t.http.get('/notes', { token });
    const points = await telemetry.points();
    await t.close();
    expect(points['jwt_knox.cache.sessions']!.points).toEqual([[{}, 1]]);
    expect(points['jwt_knox.cache.requests']!.points).toEqual([
      [{ result: 'hit' }, 2],
      [{ result: 'miss' }, 1],
    ]);
    expect(points['jwt_knox.feed.age']).toEqual({ unit: 's', points: [[{}, 0]] });
    expect(points['jwt_knox.sockets']!.points).toEqual([[{}, 0]]);
    expect(points['jwt_knox.authenticate.duration']!.points).toEqual([
      [{ outcome: 'ok', cached: false }, 1],
      [{ outcome: 'ok', cached: true }, 2],
    ]);
  });

  it('S12: observes its own application, and nothing of another one in the process', async () => {
    const [mine, other] = [await withFeatures([openTelemetry(observed())]), await withFeatures([])];
    await mine.users.add('alice');
    await other.users.add('alice');
    await other.login();
    expect((await telemetry.points())['jwt_knox.logins']).toBeUndefined();
    await mine.login();
    expect((await telemetry.points())['jwt_knox.logins']!.points).toEqual([[{ outcome: 'ok', kind: 'login' }, 1]]);
    await Promise.all([mine.close(), other.close()]);
    expect(AUTHENTICATE.isHeard).toBe(false);
  });

  it('names the realm, and leaves out what is switched off', async () => {
    const t = await withFeatures([openTelemetry({ ...observed(), tracerProvider: undefined, spans: false })], {
      realm: 'customers',
    });
    await t.users.add('alice');
    await t.login();
    const { 'jwt_knox.logins': logins } = await telemetry.points();
    await t.close();
    expect(logins!.points).toEqual([[{ outcome: 'ok', kind: 'login', realm: 'customers' }, 1]]);
    expect(telemetry.spanTree()).toEqual([]);
  });

  it('S6: refuses options that there are not, or that contradict each other', () => {
    expect(() => openTelemetry({ span: true } as any)).toThrow('span: no such option');
    expect(() => openTelemetry({ spans: 'yes' } as any)).toThrow('spans: must be true or false');
    const { meterProvider } = telemetry;
    expect(() => openTelemetry({ metrics: false, meterProvider })).toThrow(JwtKnoxConfigurationError);
  });
});

describe('observeJwtKnox', () => {
  let t: TestApp;
  beforeAll(async () => {
    t = await createApp(environments[0]!.platform, environments[0]!.kind);
    await t.users.add('alice');
  });
  afterAll(() => t.close());

  it('observes every module of the process, until it is stopped', async () => {
    const stop = observeJwtKnox(observed());
    await telemetry.inSpan('job', async (span) => {
      await t.login();
      span.end();
    });
    stop();
    await t.login();
    expect((await telemetry.points())['jwt_knox.logins']!.points).toEqual([[{ outcome: 'ok', kind: 'login' }, 1]]);
    expect(AUTHENTICATE.isHeard).toBe(false);
  });
});
