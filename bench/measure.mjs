// Measures a group of scenarios in interleaved rounds.
import { connectTo } from './databases.mjs';
import { ScenarioRun } from './scenario-run.mjs';
import { ServerProcess } from './server-process.mjs';
import { median, spread } from './statistics.mjs';

/** Gives `work` a connection to the PostgreSQL server, where a scenario needs one. */
export async function withServers(scenarios, work) {
  const server = scenarios.some(({ database }) => database?.kind === 'postgres') && (await connectTo('postgres'));
  try {
    return await work(server);
  } finally {
    if (server) await server.destroy();
  }
}

/**
 * Starts all servers of a group, warms them up, then gives each its slice of every round. The order of a round begins
 * one further on each time.
 * @param isOneProcess whether one server process serves all of them
 */
export async function measureGroup(scenarios, { rounds, sliceMs, leadIn, warmUp, isOneProcess }, secret, say) {
  const runs = [];
  const shared = isOneProcess ? new ServerProcess() : undefined;
  return withServers(scenarios, async (server) => {
    try {
      for (const scenario of scenarios) {
        const run = new ScenarioRun(scenario, { process: shared });
        runs.push(run);
        await run.start(secret, server);
        await run.warmUp(warmUp);
        run.settle(sliceMs, leadIn);
        say(`${scenario.name} is warm`);
      }
      return await measureRounds(runs, rounds, say);
    } finally {
      await Promise.all([...runs, ...(shared ? [shared] : [])].map((one) => one.stop()));
    }
  });
}

/** Gives each run, which is warm, its slice of every round. */
export async function measureRounds(runs, rounds, say) {
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < runs.length; index++) await runs[(round + index) % runs.length].slice();
    say(`round ${round + 1} of ${rounds}`);
  }
  return runs.map(figuresOf);
}

function figuresOf({ scenario, samples, statements }) {
  const of = (name) => samples.map((sample) => sample[name]);
  const databaseKnown = !of('database').includes(null);
  return {
    name: scenario.title ?? scenario.name,
    about: scenario.about,
    databaseKind: scenario.database?.kind,
    cpu: median(of('cpu')),
    spread: spread(of('cpu')),
    database: databaseKnown ? median(of('database')) : null,
    statements,
    p50: median(of('p50')),
    p99: median(of('p99')),
    rss: samples.at(-1).rss,
    samples,
  };
}
