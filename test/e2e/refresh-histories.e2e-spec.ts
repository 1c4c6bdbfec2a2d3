import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  InvalidRefreshTokenError,
  type IssuedTokens,
  RefreshTokenReusedError,
  type RefreshTokenOptions,
} from '../../lib';
import { claimsOf } from '../support/decode';
import { type InMemoryLibrary, openInMemory, RefreshingClient } from '../support/refreshing-client';
import { often } from '../support/lengths';

/** fast-check prints it with the history that fails. */
const SEED = 1_764_000;
const TIMEOUT = 120_000;
const MANY = often(500, 5_000);
const THIEVES = often(200, 1_000);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const INTERVAL = 10 * SECOND;
const WINDOW = 5 * MINUTE;

const between = (min: number, max: number) => fc.integer({ min, max });

const opened: InMemoryLibrary[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));

async function start(sendsKeys: boolean, options?: RefreshTokenOptions) {
  const library = await openInMemory(options);
  opened.push(library);
  let count = 0;
  const login = async (keys = sendsKeys) => {
    library.retried.length = 0;
    library.reused.length = 0;
    return new RefreshingClient(library, 'victim', await library.tokens.issue({ id: `user${++count}` }), keys);
  };
  return { ...library, login };
}

const keyOf = ({ refreshToken }: IssuedTokens) => claimsOf(refreshToken!).token_key;

/** What holds of every one of so many histories. */
const holds = <History>(numRuns: number, history: fc.Arbitrary<History>, check: (history: History) => Promise<void>) =>
  fc.assert(fc.asyncProperty(history, check), { seed: SEED, numRuns, endOnFailure: true });

describe('random histories of an honest user', () => {
  const round = fc.record({
    rest: between(0, 6 * HOUR),
    /** An answer is lost, and the client waits so long before it tries again: with keys in minutes, else in seconds. */
    losses: fc.array(between(0, 140), { maxLength: 2 }),
    beside: fc.constantFrom('nothing', 'nothing', 'the request again', 'another tab'),
    usesOld: fc.boolean(),
    uses: fc.boolean(),
  });
  const history = fc.record({ sendsKeys: fc.boolean(), rounds: fc.array(round, { minLength: 1, maxLength: 2 }) });

  it.each(['10s', '0s'])('log nobody out, with reuseInterval %s', { timeout: TIMEOUT }, async (interval) => {
    const isStrict = interval === '0s';
    const { login, wait } = await start(true, { reuseInterval: interval });
    let histories = 0;
    await holds(MANY, history, async ({ sendsKeys, rounds }) => {
      const client = await login(sendsKeys || isStrict);
      for (const { rest, losses, beside, usesOld, uses } of rounds) {
        wait(rest);
        for (const pause of losses) {
          await client.send();
          wait(pause * (sendsKeys || isStrict ? MINUTE : SECOND));
          if (usesOld) await client.use();
        }
        const others = [client.send()];
        if (beside === 'the request again') others.push(client.send());
        if (beside === 'another tab' && losses.length === 0 && !isStrict)
          others.push(client.copy('tab', sendsKeys).send());
        const answers = await Promise.all(others);
        expect(new Set(answers.map(keyOf)).size).toBe(1);
        client.take(answers.at(-1)!);
        if (uses) await client.use();
      }
      histories++;
    });
    expect(histories).toBe(MANY);
  });
});

describe('random histories of a thief', () => {
  const history = fc.record({
    restBefore: between(INTERVAL, 2 * HOUR),
    refreshesBefore: fc.boolean(),
    thiefComesFirst: fc.boolean(),
    thiefSendsKeys: fc.boolean(),
    /** How long before each refresh of the one who comes first. */
    rests: fc.array(between(INTERVAL, 2 * HOUR), { minLength: 1, maxLength: 3 }),
    uses: fc.boolean(),
    pause: between(INTERVAL, 2 * HOUR),
    victimUsesOld: fc.boolean(),
  });

  it('with keys: found when the other one refreshes, every time', { timeout: TIMEOUT }, async () => {
    const { login, wait, reused, retried } = await start(true);
    let found = 0;
    await holds(THIEVES, history, async (one) => {
      const victim = await login();
      wait(one.restBefore);
      if (one.refreshesBefore) await victim.refresh();
      const thief = victim.copy('thief', one.thiefSendsKeys);
      const [first, second] = one.thiefComesFirst ? [thief, victim] : [victim, thief];
      for (const rest of one.rests) {
        wait(rest);
        await first.refresh();
        if (one.uses) await first.use();
      }
      if (one.victimUsesOld) await victim.use();
      wait(one.pause);
      await expect(second.send()).rejects.toThrow(RefreshTokenReusedError);
      expect([reused, retried].map((list) => list.length)).toEqual([1, 0]);
      expect(reused[0]!.presenter.userAgent).toBe(second.name);
      for (const client of [victim, thief]) await expect(client.send()).rejects.toThrow(InvalidRefreshTokenError);
      found++;
    });
    expect(found).toBe(THIEVES);
  });

  const rounds = fc.array(
    fc.record({ rest: between(INTERVAL, HOUR), lead: between(INTERVAL, 2 * WINDOW), uses: fc.boolean() }),
    { minLength: 1, maxLength: 4 },
  );

  it(
    'without keys: forgiven for less than retryWindow while the successor is unused, and told of each time',
    { timeout: TIMEOUT },
    async () => {
      const { login, wait, reused, retried } = await start(false);
      let longest = 0;
      let longestLife = 0;
      let found = 0;
      await holds(THIEVES, rounds, async (all) => {
        const victim = await login();
        const thief = victim.copy('thief', false);
        let life = -all[0]!.rest;
        for (const { rest, lead, uses } of all) {
          life += rest + lead;
          wait(rest);
          await thief.refresh();
          if (uses) await thief.use();
          wait(lead);
          if (uses || lead >= WINDOW) {
            await expect(victim.send()).rejects.toThrow(RefreshTokenReusedError);
            expect(reused).toHaveLength(1);
            longestLife = Math.max(longestLife, life);
            found++;
            return;
          }
          const before = retried.length;
          await victim.refresh();
          const event = { why: 'window', presenter: { userAgent: 'victim' }, rotatedBy: { userAgent: 'thief' } };
          expect(retried.slice(before)).toMatchObject([event]);
          longest = Math.max(longest, lead);
          await victim.use();
        }
      });
      console.info(
        `A thief was forgiven ${longest / SECOND} s after their refresh, and lived for ${longestLife / MINUTE} min.`,
      );
      expect(longest).toBeLessThan(WINDOW);
      expect(longest).toBeGreaterThan(0.9 * WINDOW);
      expect(found).toBeGreaterThan(THIEVES / 2);
    },
  );
});

describe('a thief who refreshes before the victim in every round', () => {
  /** The round in which the thief is found, of 20. */
  async function foundIn(sendsKeys: boolean, lead: number, options: RefreshTokenOptions): Promise<number | null> {
    const { login, wait, retried } = await start(sendsKeys, options);
    const victim = await login();
    const thief = victim.copy('thief', sendsKeys);
    for (let round = 1; round <= 20; round++) {
      wait(HOUR);
      await thief.refresh();
      wait(lead);
      const isFound = await victim.refresh().then(
        () => false,
        (error: unknown) => error instanceof RefreshTokenReusedError,
      );
      if (isFound) return round;
      expect(retried).toHaveLength(round);
      await victim.use();
    }
    return null;
  }

  it.each<[string, boolean, number, RefreshTokenOptions, number | null]>([
    ['without keys, within retryWindow: goes on, and each round is told', false, WINDOW - 1, {}, null],
    ['without keys, retryWindow over: is found at once', false, WINDOW, {}, 1],
    ['without keys, retryWindow 0: is found at once', false, INTERVAL, { retryWindow: 0 }, 1],
    ['with keys, in step: goes on, and each round is told', true, INTERVAL - 1, {}, null],
    ['with keys, reuseInterval over: is found at once', true, INTERVAL, {}, 1],
    ['with keys, in step, reuseInterval 0: is found at once', true, 0, { reuseInterval: 0 }, 1],
  ])('%s', async (_title, sendsKeys, lead, options, round) => {
    expect(await foundIn(sendsKeys, lead, options)).toBe(round);
  });
});
