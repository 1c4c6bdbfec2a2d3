import type { Cluster } from './processes';
import { Finding, History, type Plan } from './history';
import { Chance } from './schedule';

/** What a search has seen. */
export interface Seen {
  steps: number;
  histories: number;
  hits: number;
  reads: number;
  unavailable: number;
  /** The first broken promise, and the history that breaks it. */
  finding?: { what: string; history: string[] };
}

interface Run {
  found: string | undefined;
  drawn: readonly number[];
  told: string[];
  history: History;
}

async function runOnce(cluster: Cluster, plan: Plan, chance: Chance): Promise<Run> {
  const history = new History(cluster, chance, plan);
  let found: string | undefined;
  try {
    await history.run();
  } catch (error) {
    if (!(error instanceof Finding)) throw error;
    found = error.message;
  }
  return { found, drawn: chance.drawn, told: [...cluster.schedule.told], history };
}

/** Runs histories until one breaks a promise, or so many steps were made. */
export async function search(
  cluster: Cluster,
  plan: Plan,
  { steps, seed, shrinks = true }: { steps: number; seed: number; shrinks?: boolean },
): Promise<Seen> {
  const seen: Seen = { steps: 0, histories: 0, hits: 0, reads: 0, unavailable: 0 };
  const start = cluster.schedule.steps;
  while (seen.steps < steps) {
    const run = await runOnce(cluster, plan, new Chance(seed + seen.histories));
    seen.histories++;
    seen.steps = cluster.schedule.steps - start;
    seen.hits += run.history.hits;
    seen.reads += run.history.reads;
    seen.unavailable += run.history.unavailable;
    if (run.found === undefined) continue;
    const told = shrinks ? (await shrink(cluster, plan, run)).told : run.told;
    seen.finding = { what: run.found, history: told };
    return seen;
  }
  return seen;
}

/** Makes what decides a history ordinary, part by part, as long as the promise is broken still. */
async function shrink(cluster: Cluster, plan: Plan, first: Run): Promise<Run> {
  let best = first;
  for (let size = Math.ceil(first.drawn.length / 2); size >= 8; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.drawn.length; at += size) {
      const without = [...best.drawn.slice(0, at), ...best.drawn.slice(at + size)];
      const run = await runOnce(cluster, plan, new Chance(0, without, true));
      if (run.found === undefined || run.told.length >= best.told.length) continue;
      best = run;
      at -= size;
    }
  }
  return best;
}
