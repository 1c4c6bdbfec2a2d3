import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FAULTS } from './planted';
import { Cluster, type FeedKind } from './processes';
import { Chance, Schedule } from './schedule';
import { search } from './search';

const KINDS: FeedKind[] = ['storage', 'process'];
const MOST_STEPS = 5_000_000;
/** All of them; without, those that are soon found. */
const IS_LONG = process.env.MODEL_STEPS !== undefined;
const PLANTED = FAULTS.filter(({ isRare }) => IS_LONG || !isRare);

describe.each(KINDS)('of two processes whose ends are announced by the %s, a search finds that', (kind) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start(new Schedule(new Chance(1)), kind, 2);
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(() => cluster.stop());

  it.each(PLANTED.filter((fault) => fault.kind === kind))('$name', { timeout: 600_000 }, async ({ plant }) => {
    plant();
    const { finding } = await search(cluster, { length: 600 }, { steps: MOST_STEPS, seed: 1, shrinks: false });
    expect(finding?.what).toMatch(/^L\d: /);
  });
});
