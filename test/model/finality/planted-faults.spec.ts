import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FAULTS } from './planted';
import { Cluster, type FeedKind } from './processes';
import { Chance, Schedule } from './schedule';
import { search } from './search';

const MOST_STEPS = 5_000_000;
/** All of them; without, those that are soon found. */
const IS_LONG = process.env.MODEL_STEPS !== undefined;
const PLANTED = FAULTS.filter(({ isRare }) => IS_LONG || !isRare);

const CLUSTERS = (['storage', 'process'] satisfies FeedKind[]).flatMap((kind) =>
  [2, 3].map((count) => ({
    kind,
    count,
    faults: PLANTED.filter((fault) => fault.kind === kind && (fault.processes ?? 2) === count),
  })),
);

describe.each(CLUSTERS.filter(({ faults }) => faults.length > 0))(
  'of $count processes whose ends are announced by the $kind, a search finds that',
  ({ kind, count, faults }) => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = await Cluster.start(new Schedule(new Chance(1)), kind, count);
    });
    afterEach(() => void vi.restoreAllMocks());
    afterAll(() => cluster.stop());

    it.each(faults)('$name', { timeout: 600_000 }, async ({ plant }) => {
      plant();
      const { finding } = await search(cluster, { length: 600 }, { steps: MOST_STEPS, seed: 1, shrinks: false });
      expect(finding?.what).toMatch(/^L\d: /);
    });
  },
);
