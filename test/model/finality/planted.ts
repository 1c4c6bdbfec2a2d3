import { vi } from 'vitest';
import { InvalidTokenError } from '../../../lib';
import { Echoes } from '../../../lib/cache/echoes';
import { FeedLease } from '../../../lib/cache/feed-lease';
import { Fills } from '../../../lib/cache/fills';
import { LeaseCache } from '../../../lib/cache/lease-cache';
import { LeasedSessionRepository } from '../../../lib/cache/leased-session.repository';
import { Teller } from '../../../lib/cache/teller';
import { SessionMemory } from '../../../lib/cache/session-memory';
import { SessionChecker } from '../../../lib/sessions/session-checker';
import { FeedServer } from './model-feed';
import type { FeedKind } from './processes';

/** A mistake that somebody might make in the library, or in a feed. */
export interface Fault {
  readonly name: string;
  /** Where it can show. */
  readonly kind: FeedKind;
  /** Whether it takes a long search: not part of the quick form. */
  readonly isRare?: true;
  /** How many processes it takes. @default 2 */
  readonly processes?: number;
  readonly plant: () => void;
}

/** Replaces a method, whose original is given. */
function replace(type: { prototype: object }, name: string, make: (original: Method) => Method): void {
  const prototype = type.prototype as Record<string, Method>;
  const original = prototype[name]!;
  vi.spyOn(prototype, name).mockImplementation(make(original));
}

type Method = (this: any, ...given: any[]) => any;

/** As for what other processes need not know. */
const tellNobody = (name: 'renewKeys' | 'narrow') =>
  replace(
    LeasedSessionRepository,
    name,
    () =>
      function (id, ...given) {
        return this.here(id, this.stored[name](id, ...given));
      },
  );

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const FAULTS: readonly Fault[] = [
  {
    name: 'who ends a session does not wait',
    kind: 'storage',
    plant: () => replace(FeedLease, 'outlast', () => async () => undefined),
  },
  {
    name: 'who ends a session waits half a lease',
    isRare: true,
    kind: 'storage',
    plant: () => replace(FeedLease, 'outlast', () => () => sleep(50)),
  },
  {
    name: 'memory answers whenever a feed is connected',
    kind: 'storage',
    plant: () => {
      vi.spyOn(FeedLease.prototype, 'isFresh', 'get').mockImplementation(function (this: FeedLease) {
        return this.isConnected;
      });
    },
  },
  {
    name: 'one process has a lease three times as long',
    isRare: true,
    kind: 'process',
    plant: () => {
      vi.spyOn(FeedLease.prototype, 'isFresh', 'get').mockImplementation(function (this: any) {
        return performance.now() - this.sent < 300;
      });
    },
  },
  {
    name: 'a fence counts from its answer',
    isRare: true,
    kind: 'storage',
    plant: () =>
      replace(
        FeedLease,
        'fence',
        () =>
          function (connection) {
            this.ask(connection, connection.fence(), { ms: 1_000, late: '' }, () => {
              [this.sent, this.sentByClock] = [performance.now(), Date.now()];
              this.after(50, () => this.fence(connection));
            });
          },
      ),
  },
  {
    name: 'a read is kept whatever was told meanwhile',
    isRare: true,
    kind: 'storage',
    plant: () =>
      replace(
        Fills,
        'end',
        (end) =>
          function (fill) {
            end.call(this, fill);
            return true;
          },
      ),
  },
  {
    name: 'reads that began while nobody listened are kept',
    isRare: true,
    kind: 'storage',
    plant: () => {
      vi.spyOn(LeaseCache.prototype as any, 'mayKeep', 'get').mockReturnValue(true);
      replace(
        LeaseCache,
        'interrupted',
        (interrupted) =>
          function () {
            if (!this.lease.isConnected) interrupted.call(this);
          },
      );
    },
  },
  {
    name: 'a lost connection forgets nothing',
    kind: 'storage',
    plant: () =>
      replace(
        LeaseCache,
        'interrupted',
        () =>
          function () {
            this.echoes.hearAll();
          },
      ),
  },
  {
    name: 'a feed connects again without saying so',
    kind: 'process',
    plant: () =>
      replace(
        FeedServer,
        'cut',
        () =>
          function (process: number) {
            for (const link of this.linksOf(process)) {
              this.forget(link);
              link.isHeard = true;
              this.schedule.offer(`feed of ${process}: connects again`, process, () => this.listen(link));
            }
          },
      ),
  },
  {
    name: 'a fence overtakes the notices before it',
    isRare: true,
    kind: 'process',
    plant: () =>
      replace(
        FeedServer,
        'push',
        (push) =>
          function (link, item) {
            if ('answer' in item) this.schedule.offer(`feed of ${link.process}: overtakes`, link.process, item.answer);
            else push.call(this, link, item);
          },
      ),
  },
  {
    name: 'two requests share one read',
    kind: 'storage',
    plant: () => {
      const reads = new WeakMap<object, Map<string, Promise<unknown>>>();
      replace(
        SessionMemory,
        'readSession',
        (readSession) =>
          function (id, read) {
            const own = reads.get(this) ?? new Map<string, Promise<unknown>>();
            reads.set(this, own);
            const known = own.get(id);
            if (known) return known;
            const done = () => own.delete(id);
            const one = readSession.call(this, id, read) as Promise<unknown>;
            one.then(done, done);
            own.set(id, one);
            return one;
          },
      );
    },
  },
  {
    name: 'memory refuses',
    kind: 'storage',
    plant: () =>
      replace(
        SessionChecker,
        'recallRow',
        () =>
          function (claims, now) {
            const known = this.cache.recall(claims.sessionId, 0);
            if (!known) return undefined;
            try {
              return this.ofAccessToken(known, claims, now);
            } catch {
              throw new InvalidTokenError('key_mismatch');
            }
          },
      ),
  },
  {
    name: 'a refresh reads memory',
    kind: 'storage',
    plant: () =>
      replace(
        LeasedSessionRepository,
        'findById',
        (findById) =>
          function (id) {
            const record = this.cache.recall(id, 0);
            return record ? Promise.resolve({ record: { ...record } }) : findById.call(this, id);
          },
      ),
  },
  {
    name: 'what is gone already is not waited for',
    isRare: true,
    kind: 'storage',
    plant: () =>
      replace(
        LeaseCache,
        'ending',
        () =>
          async function (notice, work) {
            const answer = await this.announcing(notice, work);
            if (answer) await this.lease.outlast();
            return answer;
          },
      ),
  },
  {
    name: 'a logout that is refused is not waited for',
    isRare: true,
    kind: 'storage',
    plant: () => replace(LeaseCache, 'settled', () => async () => undefined),
  },
  {
    name: 'a logout that is refused tells nobody',
    isRare: true,
    // One dies after it has ended a session, one refuses the logout, one has the session in memory.
    processes: 3,
    kind: 'process',
    plant: () =>
      replace(
        LeaseCache,
        'settled',
        () =>
          function () {
            return this.lease.outlast();
          },
      ),
  },
  {
    name: 'an end of what is gone tells nobody',
    isRare: true,
    kind: 'process',
    plant: () =>
      replace(
        LeaseCache,
        'announcing',
        () =>
          async function (notice, work) {
            const answer = await work();
            this.memory.forget(notice);
            if (answer) await this.teller.tell(notice);
            return answer;
          },
      ),
  },
  {
    name: 'an end is announced before it is committed',
    kind: 'process',
    plant: () =>
      replace(
        LeaseCache,
        'announcing',
        () =>
          async function (notice, work) {
            await this.teller.tell(notice);
            const answer = await work();
            this.memory.forget(notice);
            return answer;
          },
      ),
  },
  {
    name: 'an announcement that fails is taken for one',
    isRare: true,
    kind: 'process',
    plant: () =>
      replace(
        Teller,
        'tell',
        (tell) =>
          async function (notice) {
            await tell.call(this, notice).catch(() => undefined);
          },
      ),
  },
  {
    name: 'an end is acknowledged before it is committed',
    kind: 'storage',
    plant: () =>
      replace(
        LeaseCache,
        'ending',
        () =>
          async function (_notice, work) {
            work().catch(() => undefined);
            await this.lease.outlast();
            return true;
          },
      ),
  },
  {
    name: 'nobody misses an echo, and the triggers are gone',
    kind: 'storage',
    plant: () => {
      replace(FeedServer, 'publish', () => () => undefined);
      replace(Echoes, 'await', () => () => ({ isHeard: true, stop: () => undefined }));
    },
  },
  {
    name: 'the end of all of a user spoils no reads',
    isRare: true,
    kind: 'process',
    plant: () =>
      replace(
        SessionMemory,
        'forgetScope',
        () =>
          function (scope) {
            if ('sessionId' in scope) return this.forgetSession(scope.sessionId);
            for (const [id, { value }] of this.sessions.entries())
              if (value.userId === scope.userId) this.sessions.delete(id);
          },
      ),
  },
  {
    name: 'a change of a user spoils no reads',
    isRare: true,
    kind: 'process',
    plant: () =>
      replace(
        SessionMemory,
        'forgetUser',
        () =>
          function (id) {
            this.users.delete(id);
          },
      ),
  },
  {
    name: 'a change of a user is not waited for',
    kind: 'process',
    plant: () =>
      replace(
        LeaseCache,
        'userChanged',
        () =>
          async function (user) {
            this.memory.forget({ user });
            await this.teller.announce({ user });
          },
      ),
  },
  { name: 'new keys are told nobody', kind: 'process', plant: () => tellNobody('renewKeys') },
  { name: 'fewer rights are told nobody', kind: 'process', plant: () => tellNobody('narrow') },
];
