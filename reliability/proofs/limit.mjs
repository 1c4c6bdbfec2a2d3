// 20 simultaneous logins of each of many users, limit 5: never more than five sessions, whatever the database. A new
// session is a row of its own, with nothing of the one that it displaces. Who outgrew the limit logs in as fast as anybody.
import { outgrown } from '../harness/outgrown.mjs';
import { main, Tally } from '../harness/harness.mjs';
import { LIMIT, storm } from '../harness/limit-storm.mjs';

const FAULTS = [
  'errors',
  'wrongAdmitted',
  'wrongCount',
  'inherited',
  'references',
  'slow',
  'tooManyWrites',
  'surplusLeft',
];

await main('session limit races', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['naive-limit', 'postgres'],
    ['naive-limit', 'mariadb'],
    ['naive-limit', 'sqlite'],
    ['naive-take-over', 'postgres'],
    ['naive-take-over', 'mariadb'],
    ['naive-take-over', 'sqlite'],
  ],
  run: async (kind, { short, plant }) => {
    const users = short ? 12 : 500;
    const tally = new Tally();
    for (const onLimit of ['reject', 'evict-oldest']) await storm({ kind, plant, users, onLimit, tally });
    const figures = plant ? {} : await outgrown({ kind, limit: LIMIT, logins: short ? 11 : 51, tally });
    return {
      figures: { users, logins: tally.of('logins'), displaced: tally.of('displaced'), ...figures },
      faults: Object.fromEntries(FAULTS.map((name) => [name, tally.of(name)])),
    };
  },
});
