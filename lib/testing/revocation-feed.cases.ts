import { deepStrictEqual as deepEqual, equal, fail, ok, rejects } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { FeedConnection, FeedSetting, RevocationFeed } from '../contracts/revocation-feed';

/** A feed to hold to the contract, on a server that is there. */
export interface FeedSubject {
  feed: RevocationFeed;
  /** What the feed is told of its module. @default a module without a database */
  setting?: FeedSetting | undefined;
  /** Ends every connection of the feed from the side of the server, as when that is restarted. */
  cut: () => Promise<unknown>;
  close?: (() => Promise<void>) | undefined;
}

/** A connection, and what it told. Notices of others may be among it. */
export interface Heard {
  readonly connection: FeedConnection;
  readonly notices: readonly string[];
  readonly losses: readonly unknown[];
  readonly lost: Promise<void>;
}

/** Opens a connection of the feed under test. */
export type OpenFeed = (signal?: AbortSignal) => Promise<Heard>;

/** One promise of the contract. */
export type FeedCase = (open: OpenFeed, subject: FeedSubject) => Promise<void>;

const PATIENCE_MS = 10_000;
const LANES = 4;
const ROUNDS_OF_LANE = 500;
const BATCH = 2_000;
/** A notice that was just announced is among the last ones. */
const RECENT = 1_000;
/** The notices of PostgreSQL end at 8,000 bytes. */
const LARGEST = 7_500;
/** How many turns of the event loop pass before an opening is aborted. */
const TURNS = [0, 1, 2, 3, 5, 8, 13, 21, 34];

const newNotice = () => JSON.stringify({ ended: [randomUUID()] });

/** @throws when it takes too long */
export async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const over = new AbortController();
  const late = delay(PATIENCE_MS, undefined, { signal: over.signal, ref: false }).then(
    () => fail(`${what}: nothing came of it.`),
    () => undefined as never,
  );
  return Promise.race([work, late]).finally(() => over.abort());
}

const fenced = ({ connection }: Heard) => inTime(connection.fence(), 'a fence');
const announced = ({ connection }: Heard, notice: string) => inTime(connection.announce(notice), 'a notice');

/** Announces on one connection, and asks the other whether it has heard, over and over. */
async function raceFences(from: Heard, to: Heard): Promise<void> {
  for (let round = 0; round < ROUNDS_OF_LANE; round++) {
    const notice = newNotice();
    await announced(from, notice);
    await fenced(to);
    ok(
      to.notices.includes(notice, Math.max(0, to.notices.length - RECENT)),
      'A fence resolved before a notice that was announced before it.',
    );
  }
}

/** One fence after the other, until one fails. A feed that answers without a server must not keep the process busy. */
async function fencesWhile({ connection }: Heard, isAsking: () => boolean): Promise<void> {
  while (isAsking()) {
    await connection.fence();
    await nextTurn();
  }
}

/** What every feed promises, by the title of its test. */
export const FEED_CASES: Record<string, FeedCase> = {
  'tells every connection of a notice, the one that it came by too, as it was sent': async (open) => {
    const all = [await open(), await open(), await open()];
    const sent = [newNotice(), '{"user":"Zoë \\"O\'Hara\\" \\\\ 🔑"}', 'x'.repeat(LARGEST)];
    for (const notice of sent) await announced(all[0]!, notice);
    for (const one of all) {
      await fenced(one);
      deepEqual(
        one.notices.filter((notice) => sent.includes(notice)),
        sent,
      );
    }
  },

  'answers a fence after every notice that was announced before it, on every connection, thousands of times': async (
    open,
  ) => {
    const [one, other] = [await open(), await open()];
    const pairs = [
      [one, other],
      [other, one],
      [one, one],
      [other, other],
    ] as const;
    await Promise.all(Array.from({ length: LANES }, (_, lane) => raceFences(...pairs[lane % pairs.length]!)));
  },

  'keeps the order of many notices that nobody waited for': async (open) => {
    const [one, other] = [await open(), await open()];
    const sent = Array.from({ length: BATCH }, newNotice);
    await Promise.all(sent.map((notice) => announced(one, notice)));
    for (const heard of [one, other]) {
      await fenced(heard);
      const own = new Set(sent);
      deepEqual(
        heard.notices.filter((notice) => own.has(notice)),
        sent,
      );
    }
  },

  'tells of a connection that the server ended, and never connects it again': async (open, { cut }) => {
    const [gone, too] = [await open(), await open()];
    await cut();
    await inTime(Promise.all([gone.lost, too.lost]), 'the loss of a connection');
    const back = await open();
    const notice = newNotice();
    await announced(back, notice);
    await fenced(back);
    ok(back.notices.includes(notice));
    for (const { connection, notices } of [gone, too]) {
      await inTime(rejects(connection.fence(), 'A connection that is gone answers.'), 'a fence of a lost connection');
      await inTime(rejects(connection.announce(newNotice()), 'A connection that is gone announces.'), 'a notice');
      ok(!notices.includes(notice), 'A connection that was lost is back: what was announced meanwhile, it has missed.');
    }
  },

  'fails the fences that a lost connection owes': async (open, { cut }) => {
    const one = await open();
    let isAsking = true;
    const owed = fencesWhile(one, () => isAsking).catch(() => undefined);
    try {
      await cut();
      await inTime(one.lost, 'the loss of a connection');
      await inTime(rejects(one.connection.fence()), 'a fence of a lost connection');
      await inTime(owed, 'a fence that was asked before the loss');
    } finally {
      isAsking = false;
    }
  },

  'hears nothing more on a connection that was closed, and leaves the others': async (open) => {
    const [closed, other] = [await open(), await open()];
    closed.connection.close();
    await inTime(rejects(closed.connection.fence(), 'A closed connection answers.'), 'a fence of a closed connection');
    const notice = newNotice();
    await announced(other, notice);
    await fenced(other);
    ok(other.notices.includes(notice));
    ok(!closed.notices.includes(notice), 'A closed connection hears notices.');
    equal(other.losses.length, 0);
    closed.connection.close();
  },

  'gives an opening up when it is aborted, at whichever moment, and leaves nothing behind': async (open) => {
    const witness = await open();
    for (const turns of TURNS) {
      const abort = new AbortController();
      const opening = open(abort.signal).then(
        (heard) => heard,
        () => undefined,
      );
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      abort.abort();
      const opened = await inTime(opening, 'an opening that was aborted');
      if (!opened) continue;
      await inTime(rejects(opened.connection.fence(), 'What was aborted is open.'), 'a fence of what was aborted');
      const notice = newNotice();
      await announced(witness, notice);
      await fenced(witness);
      ok(!opened.notices.includes(notice), 'What was aborted hears notices.');
    }
  },
};
