import type { INestApplication } from '@nestjs/common';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JwtKnoxSession } from '../../lib/typeorm';
import type { TestApp } from '../support/create-app';
import { often } from '../support/lengths';
import { platforms } from '../support/platforms';
import { type Mode, Network, transportFor } from '../support/tabs';
import { type ClientKind, ClientTab, serveTabs } from './client-tabs';
import { closeSuite, leave, openSuite } from './suite';

const alice = { username: 'alice', password: 'alice-password' };
const ROUNDS = often(8, 200);
const TABS = 4;
const REQUESTS = 20;
const TIMEOUT = 15 * 60_000;

const isSixth = (refresh: number) => refresh % 6 === 0;

/** What rounds came to. */
interface Outcome {
  right: number;
  wrong: string[];
  logouts: number;
  /** How often a tab was told that nobody is logged in. */
  ends: number;
  /** Expirations with another number of keys than one. */
  keys: string[][];
  generation: number;
  /** How many requests for a refresh came of 20 in each tab at once, and of a single one. */
  refreshes: Record<'crowd' | 'lone', number>;
}

describe.each([
  { mode: 'cookie', platform: platforms[0]! },
  { mode: 'bearer', platform: platforms[1]! },
] as const)('the client in Chromium, in mode $mode on $platform.name', ({ mode, platform }) => {
  let t: TestApp;
  let browser: Browser;
  let origin: string;
  let network: Network;

  beforeAll(async () => {
    network = new Network();
    const prepare = (app: INestApplication) => {
      serveTabs(app);
      network.prepare(app);
    };
    ({ t, browser, address: origin } = await openSuite(platform, { options: transportFor(mode), prepare }));
  });
  afterAll(() => closeSuite({ browser, t }));
  afterEach(async () => {
    await leave({ browser, t });
    t.events.length = 0;
  });

  /** The tabs of one browser. */
  const openTabs = async (kind: ClientKind, { hasLocks = true } = {}) => {
    const context = await browser.newContext();
    if (!hasLocks) await context.addInitScript("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })");
    return Promise.all(Array.from({ length: TABS }, () => ClientTab.open(context, origin, { kind, mode: mode as Mode })));
  }; // prettier-ignore

  /**
   * In each round the access token expires twice, on the server, whose clock is moved beyond its lifetime: before 20
   * requests in each tab at once, and before a single one. Every third answer to a refresh is lost: by turns all of it,
   * and the second half of its body. Counted apart for the crowd and for the single ones: how many refreshes a careless
   * crowd sends is chance, and would decide which of the single ones, if any, is lost.
   */
  const play = async (tabs: ClientTab[], rounds: number, cuts = isSixth): Promise<Outcome> => {
    const refreshes = { crowd: 0, lone: 0 };
    const outcome: Outcome = { right: 0, wrong: [], logouts: 0, ends: 0, keys: [], generation: 0, refreshes };
    network.loses = (refresh) => refresh % 3 === 0;
    network.cuts = cuts;
    await tabs[0]!.login(alice);
    for (const tab of tabs) await tab.ends();
    for (let beat = 0; beat < rounds * 2; beat++) {
      t.clock.advance('6m');
      network.keys.length = 0;
      const isLone = beat % 2 === 1;
      const who = isLone ? 'lone' : 'crowd';
      network.refreshes = refreshes[who];
      const used = isLone ? [tabs[beat % TABS]!] : tabs;
      for (const { right, wrong } of await Promise.all(used.map((tab) => tab.beat('/notes', isLone ? 1 : REQUESTS)))) {
        outcome.right += right;
        outcome.wrong.push(...wrong);
      }
      refreshes[who] = network.refreshes;
      const keys = [...new Set(network.keys.map(String))];
      if (keys.length !== 1 || keys[0] === 'undefined') outcome.keys.push(keys);
      const [row, ...others] = await t.source.getRepository(JwtKnoxSession).find();
      // One that lives on from before would hide that this one was lost.
      expect(others).toEqual([]);
      outcome.generation = row?.generation ?? 0;
      if (row) continue;
      outcome.logouts++;
      await tabs[0]!.login(alice);
    }
    for (const tab of tabs) outcome.ends += await tab.ends();
    return outcome;
  };
  /** Every lost answer is asked for once more, and nothing else is: the third of three, then of every two refreshes one. */
  const retried = (rounds: number) => rounds + Math.floor((rounds - 1) / 2);
  const flawless = (rounds: number): Outcome => ({
    right: rounds * (TABS * REQUESTS + 1),
    wrong: [],
    logouts: 0,
    ends: 0,
    keys: [],
    generation: rounds * 2,
    refreshes: { crowd: retried(rounds), lone: retried(rounds) },
  });

  it(`B4: answers all requests of ${TABS} tabs in ${ROUNDS} rounds by one refresh each, of one key, though every third answer to a refresh is lost`, async () => {
    expect(await play(await openTabs('client'), ROUNDS)).toEqual(flawless(ROUNDS));
    expect(t.events.filter(({ name }) => name === 'refresh.reused')).toEqual([]);
  }, TIMEOUT); // prettier-ignore

  it('B4: does the same without Web Locks, as on plain http', async () => {
    const rounds = ROUNDS / 4;
    expect(await play(await openTabs('client', { hasLocks: false }), rounds)).toEqual(flawless(rounds));
  }, TIMEOUT); // prettier-ignore

  it('control: a client as tutorials have it sends many refreshes, fails requests and loses sessions', async () => {
    const rounds = Math.min(ROUNDS, 20);
    // Not one that is cut: its cookies arrive.
    const outcome = await play(await openTabs('naive'), rounds, () => false);
    expect(outcome.logouts).toBeGreaterThan(0);
    expect(outcome.wrong.length).toBeGreaterThan(rounds);
    expect(outcome.keys.length).toBeGreaterThan(0);
    expect(outcome.refreshes.crowd).toBeGreaterThan(rounds * 10);
    expect(t.events.some(({ name }) => name === 'refresh.reused')).toBe(true);
  }, TIMEOUT); // prettier-ignore
});
