// Every way in which a session starts races every end of all sessions, and refreshes race the ends of theirs, on two
// processes whose clocks differ: what was ended, or had begun to start before, is dead once the end is acknowledged.
import { main, Tally, withApplication } from '../harness/harness.mjs';
import { withPrivateServer } from '../faults/private-server.mjs';
import { ENDS, REFRESH_ENDS, STARTS } from '../harness/race-ends.mjs';
import { ACCESS_TTL_HOURS, RaceField } from '../harness/race-field.mjs';
import { slowInserts } from '../faults/row-triggers.mjs';

const USERS = 200;
const HOUR = 3_600_000;
/** By how much the clock of the second process is ahead. */
const CLOCKS = [0, 40, HOUR];
// Longer than the clocks are apart, or a token of the one were over by the other. Nothing else is late here.
const OPTIONS = { accessToken: { ttl: `${ACCESS_TTL_HOURS}h` }, storageTimeout: '20s' };

const TOTALS = { postgres: 5_000, mariadb: 5_000, sqlite: 1_000 };
const SHORT = { each: 2, clocks: [40] };
const MARIADB_LEVELS = ['REPEATABLE READ', 'READ COMMITTED'];
const FAULTS = ['alive', 'rowsLeft', 'ownLost', 'endsRefused', 'errors'];

// Nothing is hashed on either side: these meet most often.
const QUICK_STARTS = ['a proof of the host', 'issue alone'];
const QUICK_ENDS = ['logout-all', 'admin', 'userDisabled', 'revokeBefore'];
const isQuick = ({ start, end }) => QUICK_STARTS.includes(start) && QUICK_ENDS.includes(end);

/** Where the planted faults race, and by how much the clocks differ. */
const PLANTS = {
  'naive-look-first': { clock: 0, each: 24, isCaught: isQuick },
  'naive-not-exists': { clock: 0, each: 24, isCaught: isQuick },
  'naive-clock-fence': { clock: 40, each: 24, isCaught: isQuick },
  'naive-access-key': { clock: 0, each: 100, isCaught: ({ changesAccessKey }) => changesAccessKey },
  'naive-upsert': { clock: 0, each: 30, isCaught: ({ start }) => !start },
};

const COMBINATIONS = [
  ...Object.keys(STARTS).flatMap((start) => Object.keys(ENDS).map((end) => ({ start, end }))),
  ...Object.keys(REFRESH_ENDS).map((end) => ({ end })),
  ...['password change', 'reauthenticate'].map((end) => ({ end, changesAccessKey: true })),
];

await main('revocation races', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['naive-look-first', 'postgres'],
    ['naive-look-first', 'mariadb'],
    ['naive-not-exists', 'postgres'],
    ['naive-not-exists', 'mariadb'],
    ['naive-clock-fence', 'postgres'],
    ['naive-clock-fence', 'mariadb'],
    ['naive-upsert', 'postgres'],
    ['naive-access-key', 'postgres'],
  ],
  run: async (kind, { short, plant }) => {
    const tally = new Tally();
    const all = CLOCKS.length * COMBINATIONS.length;
    const levels = kind === 'mariadb' ? MARIADB_LEVELS : [null];
    const full = { each: Math.ceil(TOTALS[kind] / all / levels.length), clocks: CLOCKS };
    const size = plant ? { ...PLANTS[plant], clocks: [PLANTS[plant].clock] } : short ? SHORT : full;
    if (kind !== 'mariadb') await prove({ kind, plant, tally, ...size });
    else await onEachLevel(plant ? ['READ COMMITTED'] : levels, (server) => prove({ kind, server, plant, tally, ...size }));
    const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
    return {
      figures: of('races', 'certain', 'fenced', 'refused', 'answeredAndEnded', 'later', 'laterAlive', 'refreshes', 'refreshed'),
      faults: of(...FAULTS),
    };
  },
}); // prettier-ignore

/** A server of its own, for its isolation level is everybody's. */
async function onEachLevel(levels, proof) {
  await withPrivateServer('mariadb', { durable: false }, async ({ url }) => {
    for (const level of levels) await proof({ url, level });
  });
}

async function prove({ kind, server, plant, tally, each, clocks, isCaught = () => true }) {
  for (const clockAhead of clocks) {
    for (const guarded of [false, true]) {
      const chosen = COMBINATIONS.filter((one) => Boolean(STARTS[one.start]?.guarded) === guarded && isCaught(one));
      if (chosen.length === 0) continue;
      const settings = { kind, server: server?.url, plant, users: USERS, processes: 0, options: OPTIONS };
      await withApplication(settings, async ({ launch, source }) => {
        await slowInserts(kind, source);
        if (server) await source.query(`SET GLOBAL TRANSACTION ISOLATION LEVEL ${server.level}`);
        const races = { guarded, slow: kind === 'sqlite' };
        const nodes = await Promise.all([launch({ races }), launch({ races, clockAhead })]);
        const field = new RaceField({ nodes, source, tally, users: USERS });
        for (const combination of chosen) await field.race(combination, each);
        if (field.survivors.size > 0)
          console.log(`     clocks ${clockAhead} ms apart, alive: ${[...field.survivors].join('; ')}`);
      });
    }
  }
}
