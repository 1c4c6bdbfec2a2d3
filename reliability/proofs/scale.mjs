// A hundred times as many sessions, and a user with a thousand of them: a request costs the same, by one indexed read.
import { main, withApplication } from '../harness/harness.mjs';
import { planOf } from '../harness/query-plan.mjs';
import { seedSessions, tokensOf } from '../harness/planted-sessions.mjs';
import { databaseCpu } from '../harness/database-cpu.mjs';

const LIMIT = 1.3;
const MANY = 1_000;
/** So few requests at a time that a moment of other load meets both of a pair. */
const SLICE = 20;
const ATTEMPTS = 3;

await main('scale', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['naive-scan', 'postgres'],
    ['naive-scan', 'mariadb'],
    ['naive-scan', 'sqlite'],
  ],
  run: (kind, { short, plant }) => {
    const [few, many] = short ? [1_000, 50_000] : [10_000, 1_000_000];
    const settings = { kind, plant, users: 2_000, processes: 1, options: { session: { touchInterval: '1h' } } };
    return withApplication(settings, (small) =>
      withApplication(settings, async (large) => {
        await seedSessions(small.source, { from: 1, to: few, users: [2, 1_999] });
        await seedSessions(large.source, { from: 1, to: many, users: [2, 1_999] });
        // The users 0 and 1 of the large table: one session, and a thousand.
        await seedSessions(large.source, { from: many + 1, to: many + 1, users: [0, 0] });
        await seedSessions(large.source, { from: many + 2, to: many + 1 + MANY, users: [1, 1] });
        const sessions = ({ nodes, source, secret }, range) => ({
          node: nodes[0],
          source,
          tokens: tokensOf(secret, range),
        });
        const rows = [
          sessions(small, { from: 1, to: few, users: [2, 1_999] }),
          sessions(large, { from: 1, to: many, users: [2, 1_999] }),
        ];
        const user = [
          sessions(large, { from: many + 1, to: many + 1, users: [0, 0] }),
          sessions(large, { from: many + 2, to: many + 1 + MANY, users: [1, 1] }),
        ];
        const plans = [await planOf(small.source, plant), await planOf(large.source, plant)];
        // A fault that costs a hundred times as much needs no long look.
        const slices = plant ? 10 : short ? 100 : 500;
        const [ofRows, ofUser] = [await compare(rows, slices), await compare(user, slices)];
        return {
          figures: {
            rows: [few, many],
            plans: plans.map((plan) => plan.text),
            ofRows: ofRows.figures,
            ofUser: ofUser.figures,
          },
          faults: {
            notIndexed: plans.filter((plan) => !plan.isIndexed).length,
            statements: plans.filter((plan) => plan.statements !== 1).length,
            refused: ofRows.refused + ofUser.refused,
            beyondByRows: ofRows.beyond,
            beyondByUser: ofUser.beyond,
          },
        };
      }),
    );
  },
});

/** Measures a pair, and again where the second costs more than it may: what is beyond it each time counts. */
async function compare(pair, slices) {
  const attempts = [];
  let beyond = ['cpu', 'p99'];
  while (beyond.length > 0 && attempts.length < ATTEMPTS) {
    const attempt = await measure(pair, slices);
    beyond = beyond.filter((name) => attempt.ratios[name] > LIMIT);
    attempts.push(attempt);
  }
  const refused = attempts.reduce((sum, one) => sum + one.refused, 0);
  return { figures: attempts.map((one) => one.figures), refused, beyond: beyond.length };
}

/** Slices of both by turns, so that whatever slows the machine meets both alike. */
async function measure(pair, slices) {
  const totals = pair.map(() => ({ cpu: 0, database: 0, took: [] }));
  let refused = 0;
  // The first slices warm up code and caches.
  for (let slice = -Math.ceil(slices / 4); slice < slices; slice++) {
    for (const one of Math.random() < 0.5 ? [0, 1] : [1, 0]) {
      const { cpu, database, took, wrong } = await runSlice(pair[one]);
      refused += wrong;
      if (slice < 0) continue;
      totals[one].cpu += cpu;
      totals[one].database += database;
      totals[one].took.push(...took);
    }
  }
  const [less, more] = totals.map(({ cpu, database, took }) => {
    const p99 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)];
    return { cpu: cpu / took.length, database: database / took.length, p99 };
  });
  const ratios = {
    cpu: round((more.cpu + more.database) / (less.cpu + less.database)),
    p99: round(more.p99 / less.p99),
  };
  const shown = [less, more].map(({ cpu, database, p99 }) => [cpu, database, p99].map(round));
  return { refused, ratios, figures: { cpuDatabaseP99: shown, ratios } };
}

/** CPU in milliseconds: of the process by its own account, and of its connections on the database server. */
async function runSlice({ node, source, tokens }) {
  const took = [];
  let wrong = 0;
  const before = [await node.ask('cpu'), await databaseCpu(source)];
  for (let i = 0; i < SLICE; i++) {
    const token = tokens[Math.floor(Math.random() * tokens.length)];
    const answer = await node.send('GET', '/auth/verify', { token });
    took.push(answer.took);
    if (answer.status !== 204) wrong++;
  }
  const after = [await node.ask('cpu'), await databaseCpu(source)];
  return { cpu: after[0] - before[0], database: grown(before[1], after[1]), took, wrong };
}

/** A connection that was opened meanwhile began at nothing. */
function grown(before, after) {
  return [...after].reduce((sum, [id, ms]) => sum + ms - (before.get(id) ?? 0), 0);
}

function round(value) {
  return Math.round(value * 1_000) / 1_000;
}
