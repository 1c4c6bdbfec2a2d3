// A virtual machine that is suspended: both clocks of the process stand still with it. What it may accept after it wakes up
// is what was left of a lease, and nothing that is asked later than that.
import { setTimeout as delay } from 'node:timers/promises';
import { FakedTime } from '../faults/faked-time.mjs';
import { Tally } from './harness.mjs';
import { Trial } from './lease-faults.mjs';
import { statusOf, untilFresh, withLease } from './lease-field.mjs';

const TIMES = 5;
const FROZEN_MS = 3_000;
const LEASE_MS = 100;
/** So much its clocks do run on, lest they run backwards. */
const SLACK_MS = 5;
const WATCHED_MS = 1_500;

/** @returns figures and faults */
export async function freeze({ cache, plant }) {
  const tally = new Tally();
  const time = await FakedTime.create({ isSteady: false });
  let pids = [];
  try {
    const own = (index) => (index === 0 ? {} : { env: time.env });
    await withLease({ cache, users: 1, plant, proxied: true, own }, async (field) => {
      pids = [field.nodes[1].pid];
      const trial = new Trial(field, tally);
      for (let index = 0; index < (plant ? 1 : TIMES); index++) await frozen(trial, time);
    });
  } finally {
    await time.drop(pids);
  }
  const of = (...names) => Object.fromEntries(names.map((one) => [one, tally.of(one)]));
  return {
    figures: of('acknowledged', 'acceptedOnWaking', 'used'),
    faults: {
      ...of('accepted', 'refusedAlive', 'withoutHits'),
      withoutEnds: tally.of('acknowledged') > 0 ? 0 : 1,
      // Had they not stood still, every lease would have been over.
      clocksRanOn: tally.of('acceptedOnWaking') > 0 ? 0 : 1,
    },
  };
}

/** Sessions end while B is frozen, and it does not hear of it; requests wait in its sockets. */
async function frozen(trial, time) {
  const { a, b, feed, tally } = trial;
  const tokens = await trial.warmed();
  await untilFresh(b);
  b.child.kill('SIGSTOP');
  const stopped = performance.now();
  feed.hold();
  const ended = await trial.end(tokens);
  const waiting = useSent(trial, ended, 'acceptedOnWaking');
  await delay(FROZEN_MS);
  await time.move((time.offset - (performance.now() - stopped - SLACK_MS)) / 1_000);
  b.child.kill('SIGCONT');
  const woke = performance.now();
  await waiting;
  for (let sent = 0; sent < WATCHED_MS; sent = performance.now() - woke)
    await useSent(trial, ended, sent > LEASE_MS ? 'accepted' : 'acceptedOnWaking');
  feed.release();
  await untilFresh(b);
  await useSent(trial, ended, 'accepted');
  for (const token of ended) if ((await statusOf(a, token)) === 200) tally.add('accepted');
}

async function useSent({ b, tally }, tokens, verdict) {
  const statuses = await Promise.all(tokens.map((token) => statusOf(b, token)));
  tally.add('used', statuses.length);
  tally.add(verdict, statuses.filter((status) => status === 200).length);
}
