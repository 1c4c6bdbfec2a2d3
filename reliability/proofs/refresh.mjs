// 20 simultaneous refreshes of one token, over two processes: all succeed with one successor, nothing is lost.
import { claimsOf, main, rounds, Tally, withApplication } from '../harness/harness.mjs';

const ROUNDS = { postgres: 2_000, mariadb: 500 };
const TABS = 20;

await main('refresh races', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['naive-refresh', 'postgres'],
    ['naive-refresh', 'mariadb'],
  ],
  run: (kind, { short, plant }) =>
    withApplication({ kind, plant, users: 50 }, async ({ nodes }) => {
      const tally = new Tally();
      const count = short ? 30 : ROUNDS[kind];
      await rounds(count, 3, async (index) => {
        const login = await nodes[index % 2].login(`user${index % 50}`);
        const answers = await Promise.all(
          Array.from({ length: TABS }, (_, tab) => nodes[tab % 2].refresh(login.refresh_token)),
        );
        const good = answers.filter((one) => one.status === 200).map((one) => one.body);
        tally.add('refused', TABS - good.length);
        const successors = new Set(good.map((one) => claimsOf(one.refresh_token).token_key));
        if (successors.size !== 1) tally.add('forked');
        if (successors.has(claimsOf(login.refresh_token).token_key)) tally.add('notRotated');
        if (good.some((one) => claimsOf(one.refresh_token).gen !== 1)) tally.add('wrongGeneration');
        const tokens = [login, ...good].map((one) => one.access_token);
        const alive = await Promise.all(tokens.flatMap((token) => nodes.map((node) => node.isAlive(token))));
        tally.add('dead', alive.filter((one) => !one).length);
        tally.add('verified', alive.length);
      });
      const faults = ['refused', 'forked', 'notRotated', 'wrongGeneration', 'dead'];
      return {
        figures: { rounds: count, refreshes: count * TABS, verified: tally.of('verified') },
        faults: Object.fromEntries(faults.map((name) => [name, tally.of(name)])),
      };
    }),
});
