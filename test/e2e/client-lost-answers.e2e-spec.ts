import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { isLong } from '../support/lengths';
import { openNaiveTab } from '../support/naive-client';
import { Network, openBrowser, SharedStorage, transportFor, USES } from '../support/tabs';

const alice = { username: 'alice', password: 'alice-password' };
const ROUNDS = 50;
const TABS = 4;

interface Answer {
  username?: string;
}

interface Tab {
  login(credentials: typeof alice): Promise<unknown>;
  get(path: string): Promise<Answer>;
}

/**
 * Rounds of requests with an expired access token, in all tabs at once and in one of them, while every third answer to a
 * refresh is lost.
 */
async function play(t: TestApp, network: Network, tabs: Tab[]) {
  const outcome = { right: 0, wrong: 0, logouts: 0, generations: [] as number[] };
  network.loses = (refresh) => refresh % 3 === 0;
  await tabs[0]!.login(alice);
  for (let round = 0; round < ROUNDS; round++) {
    t.clock.advance('6m');
    // By turns: two requests in each tab, and a single one.
    const used = round % 2 === 0 ? [...tabs, ...tabs] : [tabs[round % tabs.length]!];
    const answers = await Promise.allSettled(used.map((tab) => tab.get('/notes')));
    const right = answers.filter((one) => one.status === 'fulfilled' && one.value.username === 'alice').length;
    outcome.right += right;
    outcome.wrong += answers.length - right;
    const [row] = await t.source.getRepository(JwtKnoxSession).find();
    if (row) outcome.generations.push(row.generation);
    else {
      outcome.logouts++;
      await tabs[0]!.login(alice);
    }
  }
  return outcome;
}

const CASES = USES.map((use, index) => ({ use, environment: environments[index % environments.length]! }));

describe.each(CASES.filter((_, index) => isLong() || index % 3 === 0))(
  'a server that loses every third answer to a refresh: $use.title, $environment.title',
  ({ use, environment }) => {
    let t: TestApp;
    const network = new Network();
    beforeAll(async () => {
      const options = transportFor(use.mode);
      t = await createApp(environment.platform, environment.kind, { options, prepare: network.prepare });
      await t.users.add('alice');
    });
    afterAll(() => t.close());
    beforeEach(async () => {
      await t.tokens.revokeAll('1');
      network.refreshes = 0;
    });

    it(`B4: answers every request of ${TABS} tabs in ${ROUNDS} rounds, with one successor a round and no logout`, async () => {
      const browser = openBrowser(t, use);
      const tabs = Array.from({ length: TABS }, () => browser.open());
      const outcome = await play(
        t,
        network,
        tabs.map((tab) => ({
          login: tab.login,
          get: async (path) => (await tab.fetch(path)).json() as Promise<Answer>,
        })),
      );
      expect(outcome).toEqual({
        right: (ROUNDS / 2) * (TABS * 2 + 1),
        wrong: 0,
        logouts: 0,
        generations: Array.from({ length: ROUNDS }, (_, round) => round + 1),
      });
      // Every lost answer was asked for once more, and nothing else was.
      expect(network.refreshes).toBe(ROUNDS + Math.floor(network.refreshes / 3));
      expect(t.events.filter(({ name }) => name === 'refresh.reused')).toEqual([]);
    });

    it.runIf(use.mode === 'bearer')('control: a client as tutorials have it loses sessions', async () => {
      const storage = new SharedStorage();
      const origin = new URL(openBrowser(t, use).baseUrl).origin;
      const outcome = await play(
        t,
        network,
        Array.from({ length: TABS }, () => openNaiveTab(origin, storage)),
      );
      expect(outcome.logouts).toBeGreaterThan(3);
      expect(outcome.wrong).toBeGreaterThan(0);
      expect(t.events.some(({ name }) => name === 'refresh.reused')).toBe(true);
    });
  },
);
