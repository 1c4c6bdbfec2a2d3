import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, type FeedKind } from './processes';
import { Chance, Schedule } from './schedule';
import { search } from './search';

/** Choices for each of the four; `npm run reliability -- model` makes many more. */
const STEPS = Number(process.env.MODEL_STEPS ?? 10_000);
const SEED = Number(process.env.MODEL_SEED ?? 1);

const WORLDS: { kind: FeedKind; count: number }[] = [
  { kind: 'storage', count: 2 },
  { kind: 'storage', count: 3 },
  { kind: 'process', count: 2 },
  { kind: 'process', count: 3 },
];

describe.each(WORLDS)('histories of $count processes whose ends are announced by the $kind', ({ kind, count }) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start(new Schedule(new Chance(SEED)), kind, count);
  });
  afterAll(() => cluster.stop());

  it('keep L1, L2, L3 and L4', { timeout: 3_600_000 }, async () => {
    const { finding, ...seen } = await search(cluster, { length: 600 }, { steps: STEPS, seed: SEED });
    if (process.env.MODEL_STEPS) console.log(JSON.stringify({ kind, count, ...seen }));
    expect(finding?.what, finding?.history.join('\n')).toBeUndefined();
    // Else nothing was looked at.
    expect(seen.hits).toBeGreaterThan(5 * seen.histories);
  });
});
