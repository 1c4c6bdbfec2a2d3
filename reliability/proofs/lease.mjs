// With the lease cache, a session whose end was acknowledged is refused by every process at once, whatever its memory holds,
// and whatever happens to the feed. Logouts race requests on two and three processes, over PostgreSQL, Redis and ioredis; then
// processes are stopped and blocked, and the feed is cut, held back and lost with its server.
import { raceEnds } from '../harness/lease-ends.mjs';
import { LEASE_FAULTS, suffer } from '../harness/lease-faults.mjs';
import { withLease } from '../harness/lease-field.mjs';
import { freeze } from '../harness/lease-frozen.mjs';
import { raceLogouts, USERS } from '../harness/lease-races.mjs';
import { soak } from '../harness/lease-soak.mjs';
import { splitBrain } from '../harness/lease-split.mjs';
import { main, Tally } from '../harness/harness.mjs';

const RACES = 10_000;
const SOAK_MINUTES = 30;
const postgres = { feed: 'postgres', users: true };
const redis = { feed: 'redis', users: true };

const UNKEPT = { cache: { keep: false, users: false } };

/** Where logouts race, how often, and how often in the quick form. */
const FIELDS = {
  postgres: { cache: postgres, races: RACES, short: 120 },
  redis: { cache: redis, races: RACES, short: 120 },
  'postgres, 3 processes': { cache: postgres, processes: 3, races: RACES },
  'postgres, users not kept': { cache: { feed: 'postgres' }, races: 2_000 },
  'redis, RESP3': { cache: { ...redis, RESP: 3 }, races: RACES },
  ioredis: { cache: { feed: 'ioredis', users: true }, races: 2_000 },
  // Half of a roll-out: the first process announces and waits, and remembers nothing.
  'postgres, in a roll-out': { cache: postgres, races: 2_000, own: (index) => (index === 0 ? UNKEPT : {}) },
  // What the planted faults run in, without a fault.
  'postgres, a late feed': { cache: postgres, latency: () => late(90), races: 1_000 },
  'postgres, a feed that is too late': { cache: postgres, latency: () => late(400), races: 1_000 },
  'postgres, slow reads': { cache: { ...postgres, slowReads: 300 }, races: 1_000 },
};

const given = (name) =>
  process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : undefined;
/** How often logouts race, where it is not to be as often as ever: `--races 3000`. */
const races = given('--races');
/** For the soak alone, of so many minutes: `--soak 60`. `--seed` repeats its faults. */
const minutes = given('--soak');

/** Half of what comes is late. */
const late = (most) => (Math.random() < 0.5 ? 0 : Math.random() * most);

const ofRaces = (name, plant) => ({ ...FIELDS[name], races: 240, plant });
const PLANTS = {
  'lease-no-fence': { race: 'postgres, a feed that is too late' },
  'lease-no-wait': { fault: 'unheard' },
  'lease-spoiled-kept': { race: 'postgres, slow reads' },
  'lease-no-reset': { fault: 'cut' },
  'lease-no-identity': { apart: splitBrain },
  // The same fault as the first, and found by other means.
  'lease-no-fence, frozen': { apart: freeze },
  'lease-no-fence, soak': { apart: ({ plant }) => soak({ minutes: 0.5, plant, names: ['held'] }) },
};

/** Where the other ends race. */
const ENDS = { 'other ends': postgres, 'other ends over redis': redis };

/** What happens to servers and clocks, in fields of their own. */
const APART = { 'split brain': splitBrain, frozen: freeze };

const runRaces = ({ races: count, ...setup }) =>
  withLease({ ...setup, users: USERS }, (field) => raceLogouts(field, count, new Tally()));

async function run(kind, { short, plant }) {
  if (plant) {
    const { race, fault, apart } = PLANTS[plant];
    const setup = { cache: postgres, plant: plant.split(',')[0] };
    const { faults } = race
      ? await runRaces(ofRaces(race, plant))
      : await (apart ? apart(setup) : suffer(fault, setup));
    // An end that was refused, or a request, tells of no fault.
    const { accepted, revokedAccepted = 0 } = faults;
    return { faults: { accepted, revokedAccepted } };
  }
  if (kind in ENDS) return raceEnds(ENDS[kind]);
  if (kind === 'soak') return soak({ minutes: minutes ?? SOAK_MINUTES });
  if (kind in APART) return APART[kind]({ cache: postgres });
  const [fault, feed] = kind.split(' on ');
  if (feed) return suffer(fault, { cache: feed === 'redis' ? redis : postgres });
  const { short: few, races: usual, ...setup } = FIELDS[kind];
  return runRaces({ ...setup, races: short ? few : (races ?? usual) });
}

const faults = Object.entries(LEASE_FAULTS).flatMap(([name, { feeds }]) => feeds.map((feed) => `${name} on ${feed}`));

const all = [...Object.keys(FIELDS), ...Object.keys(ENDS), ...faults, ...Object.keys(APART), 'soak'];

await main('lease', {
  databases: minutes ? ['soak'] : all,
  plants: Object.keys(PLANTS)
    .filter((plant) => !minutes || plant.endsWith('soak'))
    .map((plant) => [plant, 'postgres']),
  quick: 2,
  run,
});
