import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Public } from '../../lib';
import { leaseCache, localFeed, RevocationFeed } from '../../lib/cache';
import { type HealthLimits, JwtKnoxHealthIndicator, terminus } from '../../lib/terminus';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { createDatabase } from '../support/databases';
import { Outage } from '../support/outage';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';

let limits: HealthLimits = {};

@Public()
@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly knox: JwtKnoxHealthIndicator,
  ) {}

  @Get('live') live() {
    return { status: 'ok' };
  }

  @Get('ready') @HealthCheck() ready() {
    return this.health.check([() => this.knox.isHealthy('sessions', limits)]);
  }
}

afterEach(() => void (limits = {}));

const settings = { imports: [TerminusModule.forRoot({ logger: false })], controllers: [HealthController] };

describe.each(environments)('the health check: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;
  beforeAll(async () => {
    t = await createApp(platform, kind, {
      ...settings,
      extras: { storage, features: [terminus()] },
      entities: [JwtKnoxSession, JwtKnoxFence],
      options: { storageTimeout: '300ms' },
    });
  });
  afterEach(() => control.heal());
  afterAll(() => t.close());

  const ready = async () => {
    const { status, body } = await t.http.get('/health/ready');
    return { status, found: (body.info?.sessions ?? body.error?.sessions) as Record<string, unknown> & object };
  };
  const hasClock = kind !== 'sqlite';

  it('is up while the storage answers, and says how far the clocks differ', async () => {
    const first = t.app.get(JwtKnoxHealthIndicator, { strict: false });
    expect(first).toBeInstanceOf(JwtKnoxHealthIndicator);
    const { status, found } = await ready();
    expect(status).toBe(200);
    // The clock of the test stands still, far from the database's.
    const clock = hasClock ? { clockDifference: expect.any(Number) } : {};
    expect(found).toEqual({ status: 'up', storage: 'up', ...clock });
    if (hasClock) expect(Math.abs(Date.now() - t.clock.now() + Number(found.clockDifference))).toBeLessThan(60_000);
  });

  it('is down by a clock difference only where a limit is set, and the database has a clock of its own', async () => {
    t.clock.advance('1h');
    limits = { maxClockDifference: '1s' };
    expect((await ready()).status).toBe(hasClock ? 503 : 200);
    limits = { maxClockDifference: '36500d' };
    expect((await ready()).status).toBe(200);
  });

  it.each([
    ['refuses', async () => Promise.reject(Object.assign(new Error('connect to 10.1.2.3'), { code: 'ECONNREFUSED' }))],
    ['never answers', () => new Promise(() => undefined)],
  ] as const)(
    'S9: is down within the deadline where the storage %s, and says nothing of the driver',
    async (_how, fault) => {
      control.intercept = fault as () => Promise<any>;
      const { status, found } = await ready();
      expect([status, found]).toEqual([503, { status: 'down', storage: 'down' }]);
      expect((await t.http.get('/health/live')).status).toBe(200);
      control.heal();
      expect((await ready()).status).toBe(200);
    },
  );

  it.runIf(hasClock)('S9: is down while the server holds the table back, and up again after', async () => {
    const database = await createDatabase(kind);
    const own = await createApp(platform, kind, {
      ...settings,
      database,
      extras: { features: [terminus()] },
      options: { storageTimeout: '1s' },
    });
    const outage = await Outage.prepare(database);
    try {
      const check = async () => (await own.http.get('/health/ready')).body;
      expect((await check()).info).toMatchObject({ sessions: { storage: 'up' } });
      await outage.freeze('jwt_knox_sessions');
      const during = check();
      await expect.poll(async () => (await outage.waiting()).length).toBeGreaterThan(0);
      expect((await during).error).toEqual({ sessions: { status: 'down', storage: 'down' } });
      await outage.thaw();
      await expect.poll(async () => (await check()).status).toBe('ok');
    } finally {
      await outage.end();
      await own.close();
      await database.drop();
    }
  });

  it('refuses a limit that is no duration', async () => {
    const indicator = t.app.get(JwtKnoxHealthIndicator, { strict: false });
    await expect(indicator.isHealthy('x', { maxFeedAge: '5' })).rejects.toThrow('must be a duration');
  });
});

/** A feed whose server cannot be reached. */
class GoneFeed extends RevocationFeed {
  override readonly description = 'by nobody';
  override readonly isAnnouncedByStorage = false;
  override setupProblems() {
    return [];
  }
  override async open(): Promise<never> {
    throw new Error('nobody there');
  }
}

describe('the health check with leaseCache', () => {
  const { platform, kind } = environments[0]!;
  const readyWith = async (feed: RevocationFeed) => {
    const t = await createApp(platform, kind, {
      ...settings,
      extras: { features: [leaseCache({ feed }), terminus()] },
    });
    try {
      return await t.http.get('/health/ready');
    } finally {
      await t.close();
    }
  };

  it('says the age of the feed, which is a reason only under a limit', async () => {
    expect((await readyWith(localFeed())).body.info.sessions.feedAge).toBe(0);
    const gone = await readyWith(new GoneFeed());
    expect([gone.status, gone.body.info.sessions.feedAge]).toEqual([200, null]);
    limits = { maxFeedAge: '30s' };
    expect((await readyWith(new GoneFeed())).status).toBe(503);
    expect((await readyWith(localFeed())).status).toBe(200);
  });
});
