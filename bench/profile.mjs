// Where one scenario spends its CPU: self time by package, and by function.
import { mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { withServers } from './measure.mjs';
import { summaryOf } from './profile-summary.mjs';
import { ScenarioRun } from './scenario-run.mjs';

/** Profiles a warm server, and prints the summary. */
export async function profile(scenario, { warmUp, leadIn, profiled }, secret, folder) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${scenario.name.replaceAll('/', '-')}-node${process.versions.node}.cpuprofile`);
  await withServers([scenario], async (server) => {
    const run = new ScenarioRun(scenario);
    try {
      await run.start(secret, server);
      await run.warmUp(warmUp);
      run.settle(profiled, leadIn);
      await run.servers[0].ask('startProfile');
      const { requests, cpu } = await run.slice();
      await run.servers[0].ask('stopProfile', { file });
      console.log(
        `${scenario.name} on Node ${process.version}: ${requests} requests, ${cpu.toFixed(1)} µs of CPU each`,
      );
      console.log(summaryOf(JSON.parse(readFileSync(file, 'utf8')), cpu));
      console.log(`The profile, for the developer tools of a browser: ${relative('', file)}`);
    } finally {
      await run.stop();
    }
  });
}
