import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseCache, localFeed } from '../../lib/cache';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { eventually } from '../support/eventually';
import { Prometheus } from '../support/prometheus';
import { countKnox, MetricsController, registry, watchKnox } from '../support/prometheus-recipe';

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

const dashboard = JSON.parse(readFileSync('docs/grafana-dashboard.json', 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [`${title}: ${expr}`, expr.replaceAll('$__rate_interval', '1m')] as const),
);
const PATIENCE_MS = 60_000;

describe('the recipe for Prometheus and the dashboard for Grafana', () => {
  let t: TestApp;
  let prometheus: Prometheus;
  const over = new AbortController();
  let traffic: Promise<void>;
  let replays = 0;
  let rounds = 0;

  /** Every kind of operation that the dashboard shows, again and again: rates need more than one scrape. */
  const use = async () => {
    const login = await t.login();
    for (let count = 0; count < 3; count++) await t.http.get('/notes', { token: login.access_token });
    await t.http.get('/notes', { token: `${login.access_token}x` });
    const refresh = async (token: string) =>
      (await t.http.post('/auth/refresh', { json: { refresh_token: token } })).body;
    const second = await refresh(login.refresh_token);
    t.clock.advance('20m');
    const third = await refresh(second.refresh_token);
    if (++rounds % 4 === 0) {
      t.clock.advance('20m');
      if ((await refresh(login.refresh_token)).code === 'refresh_token_reused') replays++;
    } else await t.http.post('/auth/logout', { token: third.access_token });
  };

  beforeAll(async () => {
    countKnox(registry);
    watchKnox(registry);
    const { platform, kind } = environments[0]!;
    t = await createApp(platform, kind, {
      // The clock runs ahead by weeks, and the connection that is counted stays open.
      options: { session: { idleTimeout: '3650d', maxLifetime: '3650d' } },
      extras: { features: [leaseCache({ feed: localFeed(), users: { announcedBy: 'application' } })] },
      controllers: [NotesController, MetricsController],
    });
    await t.users.add('alice');
    const channels = t.app.get(OpenChannels, { strict: false });
    const shown = await t.tokens.authenticate((await t.login()).access_token);
    channels.open(shown, undefined, { lifetime: 'session', recheck: 60_000 } as any, () => undefined);
    const { port } = t.app.getHttpServer().address() as { port: number };
    prometheus = await Prometheus.start(`127.0.0.1:${port}`);
    traffic = (async () => {
      for (; !over.signal.aborted; await delay(50)) await use();
    })();
  });
  afterAll(async () => {
    over.abort();
    await traffic;
    await prometheus?.stop();
    await t?.close();
  });

  /** Asks until a query finds numbers, which takes some scrapes; gives what it found last. */
  const found = async (promql: string, patience = PATIENCE_MS) => {
    const until = performance.now() + patience;
    for (;;) {
      const samples = await prometheus.query(promql);
      if (samples.some(({ value }) => Number.isFinite(value))) return samples;
      if (performance.now() > until) return samples;
      await delay(250);
    }
  };

  it.each(queries)('%s', async (_title, promql) => {
    // Of a call that was not made within the interval, there is no quantile.
    const samples = (await found(promql)).filter(({ value }) => Number.isFinite(value));
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.some(({ value }) => value > 0) || promql.includes('feed_age')).toBe(true);
  });

  it('count what happened', async () => {
    over.abort();
    await traffic;
    const seen = replays;
    expect(seen).toBeGreaterThan(0);
    const counted = async (promql: string) => (await prometheus.query(promql)).map(({ value }) => value);
    await eventually(async () => {
      expect(await counted('sum(jwt_knox_refreshes_total{decision="replay"})')).toEqual([seen]);
      expect(await counted('jwt_knox_logins_total{outcome="ok"}')).toEqual([rounds + 1]);
    });
    expect(await counted('sum(jwt_knox_sockets)')).toEqual([1]);
  });

  it('control: a query of what is not counted finds nothing, and one that is wrong throws', async () => {
    expect(await found('rate(jwt_knox_logouts_total[1m])', 1_000)).toEqual([]);
    await expect(prometheus.query('sum by (')).rejects.toThrow('parse error');
  });
});
