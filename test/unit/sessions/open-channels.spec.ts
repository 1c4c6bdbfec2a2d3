import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  InvalidTokenError,
  JwtKnoxEvents,
  type RevocationScope,
  type Session,
  type SessionKind,
  TokenExpiredError,
} from '../../../lib';
import { type ChannelTerms, OpenChannel } from '../../../lib/sessions/open-channel';
import { OpenChannels } from '../../../lib/sessions/open-channels';
import { TokenRejection } from '../../../lib/contracts/errors';
import { sessionRecord, type SessionRecord } from '../../../lib/contracts/session';
import type { OpenSession } from '../../../lib/sessions/open-sessions';
import { SessionRecheck } from '../../../lib/sessions/session-recheck';
import { FakeClock } from '../../../lib/testing';
import { eventually } from '../../support/eventually';

const TERMS: ChannelTerms = { recheck: 60_000, lifetime: 'token' };
const MINUTE = 60_000;

describe('what is kept open for sessions', () => {
  let clock: FakeClock;
  let events: JwtKnoxEvents;
  let channels: OpenChannels;
  /** What the rows say when they are read. */
  let ended: Set<string> | null;
  let reads: string[][];
  beforeEach(() => {
    clock = new FakeClock();
    events = new JwtKnoxEvents();
    ended = new Set();
    reads = [];
    const recheck = {
      async read(sessions: readonly OpenSession[], tell: (session: OpenSession, isOver: boolean | null) => void) {
        reads.push(sessions.map(({ id }) => id));
        const gone = ended;
        await Promise.resolve();
        for (const session of sessions) tell(session, gone && gone.has(session.id));
        return gone !== null;
      },
    };
    channels = new OpenChannels({ clock, realm: '' }, events, recheck as never);
  });
  afterEach(() => channels.onApplicationShutdown());

  const sessionOf = (id: string, userId = 'alice', age = MINUTE) =>
    ({ id, userId, createdAt: clock.now() - age, boundKind: null, expiresAt: clock.now() + 60 * MINUTE }) as Session;
  const open = (session: Session, terms = TERMS) => {
    const close = vi.fn();
    const shown = { user: { id: session.userId }, session, claims: {} };
    return { channel: channels.open(shown, clock.now() + 5 * MINUTE, terms, close), close };
  };
  const revoke = (scope: RevocationScope, since = clock.now()) => {
    const whose = { scope, userId: null, sessionId: null, actor: null } as const;
    events.emit('session.revoked', { ...whose, count: 1, since, reason: 'logout' });
  };

  it.each<[string, RevocationScope, string[]]>([
    ['one session', { sessionId: 'a1' }, ['a1']],
    ['all of a user', { realm: '', userId: 'alice' }, ['a1', 'a2']],
    ['all of a user but one', { realm: '', userId: 'alice', except: 'a2' }, ['a1']],
    [
      'all that were created before a moment',
      { realm: '', createdBefore: Number.MAX_SAFE_INTEGER },
      ['a1', 'a2', 'b1'],
    ],
    ['all of another realm', { realm: 'staff', createdBefore: Number.MAX_SAFE_INTEGER }, []],
    ['a user of another realm', { realm: 'staff', userId: 'alice' }, []],
    ['all that were created long ago', { realm: '', createdBefore: 1 }, []],
  ])('the end of %s closes what is open for it at once, and nothing else', (_title, scope, expected) => {
    const opened = [open(sessionOf('a1')), open(sessionOf('a2')), open(sessionOf('b1', 'bob'))];
    revoke(scope);
    const closed = opened.filter(({ close }) => close.mock.calls.length > 0).map(({ channel }) => channel.session.id);
    expect(closed).toEqual(expected);
    expect(channels.size).toBe(3 - expected.length);
    expect(reads).toEqual([]);
  });

  it('a session that may have begun after the end of the others: its row says', async () => {
    const [before, after] = [open(sessionOf('a1', 'alice', 1_000)), open(sessionOf('a2', 'alice', 1_000))];
    ended = new Set(['a1']);
    revoke({ realm: '', userId: 'alice' });
    expect([before.close.mock.calls, after.close.mock.calls]).toEqual([[], []]);
    await eventually(() => expect(before.close).toHaveBeenCalledWith('session_ended'));
    expect(after.close).not.toHaveBeenCalled();
    expect(reads).toEqual([['a1', 'a2']]);
  });

  it.each<[string, RevocationScope]>([
    ['itself', { sessionId: 'a1' }],
    ['those of its user', { realm: '', userId: 'alice' }],
    ['all', { realm: '', createdBefore: Number.MAX_SAFE_INTEGER }],
    ['that of who acts in it', { sessionId: 's1' }],
    ['those of who acts in it', { realm: '', userId: 'staff' }],
  ])('what is opened right after the end of %s: its row is read at once', async (_title, scope) => {
    channels.watch();
    revoke(scope);
    ended = new Set(['a1']);
    const acted = { ...sessionOf('a1'), actorId: 'staff', actorSessionId: 's1' };
    const [gone, other] = [open(acted), open(sessionOf('b1', 'bob'))];
    await eventually(() => expect(gone.close).toHaveBeenCalledWith('session_ended'));
    expect(other.close).not.toHaveBeenCalled();
  });

  it.each<[string, RevocationScope]>([
    ['itself', { sessionId: 'a1' }],
    ['those of its user', { realm: '', userId: 'alice' }],
  ])('what is opened right after a change of %s: its row is read at once', async (_title, scope) => {
    channels.watch();
    events.emit('session.announced', { scope, isEnd: false });
    ended = new Set(['a1']);
    const gone = open(sessionOf('a1'));
    await eventually(() => expect(gone.close).toHaveBeenCalledWith('session_ended'));
  });

  it.each(['session.revoked', 'session.announced'] as const)(
    'a session that began after an end which took long: its row says (%s)',
    async (name) => {
      const [before, after] = [open(sessionOf('a1', 'alice', 60_000)), open(sessionOf('a2', 'alice', 20_000))];
      const scope = { realm: '', userId: 'alice' };
      const since = clock.now() - 30_000;
      if (name === 'session.revoked') revoke(scope, since);
      else events.emit('session.announced', { scope, isEnd: true, since, until: clock.now() });
      expect(before.close).toHaveBeenCalledWith('session_ended');
      await eventually(() => expect(reads).toEqual([['a2']]));
      expect(after.close).not.toHaveBeenCalled();
    },
  );

  it('what is closed is closed once, and lets nobody go on', async () => {
    const { channel, close } = open(sessionOf('a1'));
    const owner = {};
    channels.attach(owner, channel);
    await expect(channels.currentOf(owner)).resolves.toMatchObject({ user: { id: 'alice' } });
    expect(channels.currentOf({})).toBeUndefined();
    clock.advance('330s');
    // Before the next look, too.
    await expect(channels.currentOf(owner)).rejects.toThrow(TokenExpiredError);
    clock.advance('-5m');
    revoke({ sessionId: 'a1' });
    revoke({ sessionId: 'a1' });
    channels.leave(channel);
    expect(close.mock.calls).toEqual([['session_ended']]);
    await expect(channels.currentOf(owner)).rejects.toThrow(InvalidTokenError);
  });

  it('an older token shortens nothing', () => {
    const { channel } = open(sessionOf('a1'));
    const { until } = channel;
    channels.renew(channel, channel.authentication, clock.now() + MINUTE);
    expect(channel.until).toBe(until);
    channels.renew(channel, channel.authentication, clock.now() + 9 * MINUTE);
    expect(channel.until).toBe(clock.now() + 9 * MINUTE + 30_000);
  });

  it('a session that is bound to its device needs fresh tokens, whatever the lifetime', () => {
    const terms: ChannelTerms = { ...TERMS, lifetime: 'session' };
    expect(open(sessionOf('a1'), terms).channel.until).toBe(Infinity);
    expect(open({ ...sessionOf('a2'), boundKind: 'dpop' }, terms).channel.until).toBe(
      clock.now() + 5 * MINUTE + 30_000,
    );
  });

  it('K1: a session that is bound while something is open for it needs fresh tokens from then on', async () => {
    const terms: ChannelTerms = { ...TERMS, lifetime: 'session' };
    const session = sessionOf('a1');
    const [copied, other] = [open(session, terms), open(sessionOf('a2'), terms)];
    events.emit('session.bound', { session: { ...session, boundKind: 'dbsc' }, kind: 'dbsc' });
    expect([copied, other].map(({ channel }) => channel.until)).toEqual([clock.now() + 5 * MINUTE + 30_000, Infinity]);
    // It was read before, and is opened after.
    const late = open(session, terms);
    await eventually(() => expect(reads.flat()).toContain('a1'));
    clock.advance('331s');
    await eventually(() => expect(copied.close).toHaveBeenCalledWith('token_expired'));
    expect([late.channel.end, other.channel.end]).toEqual([undefined, undefined]);
  });

  it('one that cannot be closed does not keep the others open', () => {
    const broken = open(sessionOf('a1'));
    broken.close.mockImplementation(() => {
      throw new Error('broken');
    });
    const other = open(sessionOf('a1'));
    revoke({ sessionId: 'a1' });
    expect(other.close).toHaveBeenCalled();
    expect(channels.size).toBe(0);
  });

  it('rows are read in batches, at moments of their own, and again soon when they cannot be read', async () => {
    const terms: ChannelTerms = { ...TERMS, lifetime: 'session' };
    for (let n = 0; n < 450; n++) open(sessionOf(`s${n}`), terms);
    clock.advance('29s');
    await wait(1_100);
    expect(reads).toEqual([]);
    clock.advance('1s');
    ended = null;
    clock.advance('30s');
    await eventually(() => expect(reads.map((ids) => ids.length)).toEqual([200]));
    ended = new Set(['s0']);
    await eventually(() => expect(reads.map((ids) => ids.length)).toEqual([200, 200, 50]));
    clock.advance('5s');
    await eventually(() => expect(channels.size).toBe(449));
  });

  it('a clock that is set back does not put the reading off', async () => {
    const { close } = open(sessionOf('a1'));
    ended = new Set(['a1']);
    clock.advance('-2h');
    await eventually(() => expect(close).toHaveBeenCalledWith('session_ended'));
  });
});

describe('the rows of sessions with something open, read again', () => {
  const row = (id: string) =>
    sessionRecord({
      id, userId: 'alice', accessDigest: 'a'.repeat(64), createdAt: 1, authenticatedAt: 1, expiresAt: 9e12, lastUsedAt: 1,
    }); // prettier-ignore
  const opened = (id: string, outlivesTokens = false) =>
    ({ id, userId: 'alice', channels: new Set(), outlivesTokens, isDoubted: false }) as unknown as OpenSession;
  const recheckWith = (rows: string[], checker: object, kind: SessionKind = 'login') => {
    const options = { clock: new FakeClock(), realm: '', storageTimeout: 1_000 };
    const repository = { findByIds: async () => rows.map((id) => ({ ...row(id), kind })) };
    return new SessionRecheck(options, repository as never, { living: (one: unknown) => one, ...checker } as never);
  };
  /** The ids of those that are over, when something is known of all. */
  const endedAmong = async (recheck: SessionRecheck, sessions: OpenSession[]) => {
    const told = new Map<string, boolean | null>();
    await recheck.read(sessions, ({ id }, isOver) => void told.set(id, isOver));
    await eventually(() => expect(told.size).toBe(sessions.length));
    return [...told].flatMap(([id, isOver]) => (isOver ? [id] : []));
  };

  it('end what is over, though what is asked of another session fails', async () => {
    const fails = async (record: { id: string }) => {
      if (record.id === 'broken') throw new Error('a bug of a provider');
    };
    const sessions = [opened('broken'), opened('gone'), opened('alive')];
    const recheck = recheckWith(['broken', 'alive'], { checkActor: fails }, 'impersonation');
    expect(await endedAmong(recheck, sessions)).toEqual(['gone']);
  });

  it('end what is over, though a bug shows in the row of another session', async () => {
    const living = (one: { id: string }) => {
      if (one.id === 'broken') throw new Error('a bug');
      return one;
    };
    const sessions = [opened('broken'), opened('gone'), opened('alive')];
    expect(await endedAmong(recheckWith(['broken', 'alive'], { living }), sessions)).toEqual(['gone']);
  });

  it('end those of users who are gone, where something outlives its tokens, though one cannot be asked for', async () => {
    const user = async (id: string) => {
      if (id === 'broken') throw new Error('a bug of a provider');
      if (id === 'disabled') throw new TokenRejection('user_inactive');
    };
    const read = async ({ sessionId }: { sessionId: string }) => ({ user: () => user(sessionId) });
    const sessions = ['broken', 'disabled', 'alive'].map((id) => opened(id, true));
    const checker = { checkActor: async () => undefined, read };
    expect(await endedAmong(recheckWith(['broken', 'disabled', 'alive'], checker), sessions)).toEqual(['disabled']);
  });

  it('K1: tell what is open that the session was bound meanwhile, by another process too', async () => {
    const session = opened('a1');
    const bound = sessionRecord({ ...row('a1'), boundKind: 'dbsc', boundAt: 2 });
    const terms: ChannelTerms = { ...TERMS, lifetime: 'session' };
    const shown = { user: {}, session: row('a1'), claims: {} };
    const channel = new OpenChannel(shown, 300_000, terms, () => undefined);
    session.channels.add(channel);
    const checker = { living: () => bound, checkActor: async () => undefined };
    expect(channel.until).toBe(Infinity);
    await endedAmong(recheckWith(['a1'], checker), [session]);
    expect(channel.until).toBe(300_000);
  });

  it('ask for a few users at the same time, for requests of users need the database too', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    const user = () =>
      new Promise<void>((resolve) => {
        most = Math.max(most, waiting.push(resolve));
        // All that are asked for at the same time have been by then.
        setImmediate(() => waiting.shift()!());
      });
    const ids = Array.from({ length: 30 }, (_, index) => String(index));
    const checker = { checkActor: async () => undefined, read: async () => ({ user }) };
    const sessions = ids.map((id) => opened(id, true));
    expect(await endedAmong(recheckWith(ids, checker), sessions)).toEqual([]);
    expect(most).toBe(4);
  });

  it('say at once what the rows say, also while nobody answers for the users of others, and ask for each once', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const user = (id: string) => {
      asked.push(id);
      return new Promise<void>((resolve) => void answers.push(resolve));
    };
    const checker = {
      checkActor: async () => undefined,
      read: async ({ sessionId }: any) => ({ user: () => user(sessionId) }),
    };
    const hanging = Array.from({ length: 5 }, (_, index) => opened(`hanging ${index}`, true));
    const [alive, gone] = [opened('alive'), opened('gone')];
    const recheck = recheckWith([...hanging.map(({ id }) => id), 'alive'], checker);
    const told: [string, boolean | null][] = [];
    const read = (sessions: OpenSession[]) => recheck.read(sessions, ({ id }, isOver) => void told.push([id, isOver]));
    expect(await read([...hanging, alive, gone])).toBe(true);
    expect(told).toEqual([['alive', false], ['gone', true]]); // prettier-ignore
    for (let count = 0; count < 3; count++) await read(hanging);
    await eventually(() => expect(asked).toHaveLength(4));
    // What was told while their users were asked for, the answers may not know: they are read again.
    for (let count = 0; count < 5; count++) await eventually(() => answers.shift()!());
    await eventually(() => expect(hanging.map(({ recheckAt }) => recheckAt)).toEqual([0, 0, 0, 0, 0]));
    expect(asked).toHaveLength(5);
    expect(told).toHaveLength(2);
  });
});

describe('what is kept open, while those are asked who may use it', () => {
  type Ask = { allow: () => void; fail: (error: Error) => void };
  const OVER = new TokenRejection('actor_ended');
  let clock: FakeClock;
  let events: JwtKnoxEvents;
  let channels: OpenChannels;
  let readRows: (ids: string[]) => SessionRecord[];
  let living: (row: SessionRecord) => SessionRecord;
  let reads: number;
  /** Each look-up of a user or an actor, in order. */
  let asked: Ask[];
  beforeEach(() => {
    clock = new FakeClock();
    events = new JwtKnoxEvents();
    reads = 0;
    asked = [];
    readRows = (ids) => ids.map(row);
    living = (one) => one;
    const ask = () => new Promise<void>((allow, fail) => void asked.push({ allow, fail }));
    const checker = {
      living: (one: SessionRecord) => living(one),
      checkActor: async ({ kind }: SessionRecord) => (kind === 'impersonation' ? ask() : undefined),
      read: async () => ({ user: ask }),
    };
    const repository = {
      async findByIds(ids: string[]) {
        reads++;
        return readRows(ids);
      },
    };
    const recheck = new SessionRecheck(
      { clock, realm: '', storageTimeout: 60_000 },
      repository as never,
      checker as never,
    );
    channels = new OpenChannels({ clock, realm: '' }, events, recheck);
  });
  afterEach(() => channels.onApplicationShutdown());

  const row = (id: string) => {
    const kind: SessionKind = id.startsWith('acted') ? 'impersonation' : 'login';
    const acting = kind === 'login' ? {} : { actorId: 'staff', actorSessionId: 's1' };
    const times = { createdAt: 1, authenticatedAt: 1, expiresAt: 9e12, lastUsedAt: 1 };
    return sessionRecord({ id, userId: 'alice', accessDigest: 'a'.repeat(64), kind, ...acting, ...times });
  };
  const open = (id: string) => {
    const close = vi.fn();
    const shown = { user: {}, session: row(id), claims: {} };
    return { channel: channels.open(shown, clock.now() + 10 * MINUTE, TERMS, close), close };
  };
  const endActor = () => events.emit('session.announced', { scope: { sessionId: 's1' }, isEnd: true });
  /** With the look-up of who acts in it under way, which began before the end. */
  const openAndAsk = async () => {
    const opened = open('acted');
    clock.advance('60s');
    await eventually(() => expect(asked).toHaveLength(1));
    return opened;
  };
  const bug = () => {
    throw new Error('a bug');
  };

  it('a look-up that failed is made again soon, and not at once: an end that was announced is not lost by it', async () => {
    const { close } = open('acted');
    endActor();
    for (let count = 1; count <= 3; count++) {
      await eventually(() => expect(asked).toHaveLength(count));
      asked[count - 1]!.fail(new Error('the pool is busy'));
      await wait(0);
      clock.advance('4s');
      await wait(1_100);
      expect(asked).toHaveLength(count);
      clock.advance('1s');
    }
    await eventually(() => expect(asked).toHaveLength(4));
    expect(close).not.toHaveBeenCalled();
    asked[3]!.fail(OVER);
    await eventually(() => expect(close).toHaveBeenCalledWith('session_ended'));
  });

  it('a look-up that fails for one session makes nobody read the others more often', async () => {
    const read: string[][] = [];
    readRows = (ids) => {
      read.push(ids);
      return ids.map(row);
    };
    open('acted');
    open('other');
    clock.advance('60s');
    await eventually(() => expect(asked).toHaveLength(1));
    asked[0]!.fail(new Error('broken for good'));
    await wait(0);
    clock.advance('5s');
    await eventually(() => expect(asked).toHaveLength(2));
    expect(read).toEqual([['acted', 'other'], ['acted']]); // prettier-ignore
  });

  it.each([
    ['the rows cannot be read', () => (readRows = bug)],
    ['a bug shows in its row', () => (living = bug)],
  ])('an answer from before an end does not put the next look off, when %s meanwhile', async (_title, breakIt) => {
    const { close } = await openAndAsk();
    breakIt();
    endActor();
    await eventually(() => expect(reads).toBe(2));
    asked[0]!.allow();
    readRows = (ids) => ids.map(row);
    living = (one) => one;
    await wait(0);
    clock.advance('5s');
    await eventually(() => expect(asked).toHaveLength(2));
    asked[1]!.fail(OVER);
    await eventually(() => expect(close).toHaveBeenCalledWith('session_ended'));
  });

  it.each([1, 2])('"over" stays over, whatever is announced meanwhile (rows read: %i)', async (count) => {
    const { close } = await openAndAsk();
    endActor();
    if (count === 2) await eventually(() => expect(reads).toBe(2));
    asked[0]!.fail(OVER);
    await wait(0);
    expect(close).toHaveBeenCalledWith('session_ended');
    expect(asked).toHaveLength(1);
  });

  it('a row that is gone is not read again, whatever is announced meanwhile', async () => {
    const { close } = open('acted');
    readRows = () => {
      if (reads === 1) endActor();
      return [];
    };
    clock.advance('60s');
    await eventually(() => expect(close).toHaveBeenCalledWith('session_ended'));
    expect(reads).toBe(1);
  });

  it('the user is asked for from the moment when a token that lives long is shown', async () => {
    const { channel, close } = open('a1');
    clock.advance('60s');
    await eventually(() => expect(reads).toBe(1));
    expect(asked).toEqual([]);
    channels.renew(channel, channel.authentication, clock.now() + 60 * MINUTE);
    clock.advance('60s');
    await eventually(() => expect(asked).toHaveLength(1));
    asked[0]!.fail(new TokenRejection('user_inactive'));
    await eventually(() => expect(close).toHaveBeenCalledWith('session_ended'));
  });
});
