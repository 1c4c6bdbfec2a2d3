// One server process of one scenario. Its parent tells it by messages what to serve, and asks for its accounts.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { inspect } from 'node:util';
import { cacheCounts } from './knox-host.mjs';
import { findScenario } from './scenarios/index.mjs';
import { countStatements } from './statements.mjs';

let served;
let profiler;

const answers = {
  async serve({ scenario, ...settings }) {
    served = await findScenario(scenario).serve(settings);
    // See README, "Method": no marking of what the start left behind may fall into the first requests.
    globalThis.gc();
    const { port, requests, calm, held } = served;
    return { port, requests, calm, held };
  },

  account() {
    const { user, system } = process.cpuUsage();
    const { hits, misses } = cacheCounts;
    return { cpu: user + system, rss: process.memoryUsage.rss(), hits, misses };
  },

  prepare: ({ count, what }) => served.prepare(count, what),

  /** Of a capacity run: see scenarios/capacity.mjs. */
  onEach: ({ sql }) => served.onEach(sql),
  occupancy: () => served.occupancy(),
  upkeep: ({ name }) => served.upkeep(name),

  /** Counts statements until asked again. */
  count: () => countStatements(),

  async startProfile() {
    profiler = new Session();
    profiler.connect();
    await profiler.post('Profiler.enable');
    await profiler.post('Profiler.setSamplingInterval', { interval: 200 });
    await profiler.post('Profiler.start');
  },

  async stopProfile({ file }) {
    const { profile } = await profiler.post('Profiler.stop');
    profiler.disconnect();
    writeFileSync(file, JSON.stringify(profile));
  },
};

process.on('message', async ({ id, ask, ...rest }) => {
  try {
    process.send({ id, answer: (await answers[ask](rest)) ?? null });
  } catch (error) {
    process.send({ id, error: inspect(error) });
  }
});
process.on('disconnect', () => process.exit());
