import { afterEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from '../../../lib/contracts/clock';
import { REVOCATIONS_AUDIENCE, type RevocationFrame } from '../../../lib/tokens/revocation-frame';
import { RevocationSet } from '../../../lib/tokens/revocation-set';
import { RevocationView, WrongFrame } from '../../../lib/verifier/revocation-view';

const ISSUER = 'https://auth.example.com';
const NOW = 1_800_000_000_000;

const frame = (change: Partial<RevocationFrame> = {}): RevocationFrame => ({
  iss: ISSUER,
  aud: REVOCATIONS_AUDIENCE,
  stream_id: 'one',
  seq: 7,
  now: NOW,
  heard: NOW,
  complete_from: 100,
  ends: [],
  ...change,
});
const snapshot = (change: Partial<RevocationFrame> = {}) => frame({ nonce: 'mine', left: 0, ...change });
const token = (change = {}) => ({ sessionId: 's', userId: 'u', issuedAt: 200, mayBeProgram: false, ...change });

describe('what a service knows by the revocation stream', () => {
  const opened = () => {
    const view = new RevocationView({ issuer: ISSUER, realm: '', clock: new SystemClock() });
    view.begin('mine');
    expect(view.take(snapshot())).toBe(true);
    return view;
  };

  const WRONG: [string, Partial<RevocationFrame>][] = [
    ['a frame left out', { seq: 9 }],
    ['a frame once more', { seq: 7 }],
    ['another stream', { seq: 8, stream_id: 'two' }],
    ['another issuer', { seq: 8, iss: 'https://elsewhere.example.com' }],
    ['another realm', { seq: 8, realm: 'staff' }],
    ['time that goes back', { seq: 8, now: NOW - 1, heard: NOW - 1 }],
    ['an end heard before it happened', { seq: 8, heard: NOW + 1 }],
    ['a snapshot in place of the next frame', { seq: 8, nonce: 'mine', left: 0 }],
  ];
  it.each(WRONG)('L5: does not take %s', (_, change) => {
    const view = opened();
    expect(() => view.take(frame(change))).toThrow(WrongFrame);
    // The control: the next frame as it should be.
    expect(view.take(frame({ seq: 8 }))).toBe(true);
  });

  it('L5: does not take a snapshot for another question, nor one with a part missing', () => {
    const view = new RevocationView({ issuer: ISSUER, realm: '', clock: new SystemClock() });
    view.begin('mine');
    expect(() => view.take(snapshot({ nonce: 'yours' }))).toThrow(WrongFrame);
    expect(view.take(snapshot({ left: 2 }))).toBe(false);
    expect(() => view.take(snapshot({ left: 0 }))).toThrow(WrongFrame);
    expect(view.judge(token())).toBe('unknown');
  });

  it('L5: a snapshot that was two seconds old when it was signed tells nothing', () => {
    const view = new RevocationView({ issuer: ISSUER, realm: '', clock: new SystemClock() });
    view.begin('mine');
    view.take(snapshot({ heard: NOW - 2_000 }));
    expect(view.isFresh).toBe(false);
    expect(opened().isFresh).toBe(true);
  });

  it('knows what has ended through a new connection, and while it trusts nobody', () => {
    const view = opened();
    view.take(frame({ seq: 8, ends: [{ sid: 's', before: 300 }] }));
    view.begin('mine');
    view.take(snapshot({ stream_id: 'two', seq: 0, complete_from: 250 }));
    view.distrust();
    expect([view.judge(token()), view.judge(token({ sessionId: 't' }))]).toEqual(['over', 'unknown']);
  });
});

describe('the ends that a service knows and another process of the issuer does not', () => {
  const renewed = (change: Partial<RevocationFrame>) => {
    const view = new RevocationView({ issuer: ISSUER, realm: '', clock: new SystemClock() });
    view.begin('mine');
    view.take(snapshot({ ends: [{ sid: 's', before: 300 }] }));
    view.begin('mine');
    view.take(snapshot({ stream_id: 'two', seq: 0, complete_from: 400, ...change }));
    return view;
  };

  it('stay known: it began after them, and knows nothing of tokens of before', () => {
    const view = renewed({});
    view.take(frame({ stream_id: 'two', seq: 1, complete_from: 400 }));
    expect([view.judge(token()), view.judge(token({ sessionId: 't' }))]).toEqual(['over', 'unknown']);
    expect(view.judge(token({ sessionId: 't', issuedAt: 400 }))).toBe('good');
  });

  it('stay known when no issuer tells of them any more: tokens for programs live for months', () => {
    const view = renewed({ ends: [{ user_id: 'v', from: 190, before: 210 }] });
    view.take(frame({ stream_id: 'two', seq: 1, complete_from: 90_000 }));
    const judged = (change: object) => view.judge(token(change));
    expect([judged({}), judged({ sessionId: 't' }), view.size]).toEqual(['over', 'unknown', 2]);
    expect(judged({ sessionId: 't', userId: 'v', issuedAt: 189 })).toBe('over');
  });
});

describe('what a service doubts', () => {
  const DAY = 86_400;
  const PROGRAM = token({ mayBeProgram: true });
  const OTHERS = { user_id: 'u', except: 'kept', kinds: ['login', 'impersonation'] as const, from: 290, before: 310 };
  const DOUBTS: [string, RevocationFrame['ends'], ReturnType<typeof token>][] = [
    ['programs, where a user logged other devices out', [OTHERS], PROGRAM],
    ['what was issued while sessions ended', [{ ...OTHERS, kinds: undefined, from: 150 }], token()],
    ['what was issued after a moment in the past', [{ from: 150, before: 310 }], token()],
    [
      'a user of whom only the issuer knows the details',
      Array.from({ length: 40 }, (_, count) => ({ ...OTHERS, except: `s${count}` })),
      PROGRAM,
    ],
  ];
  /** By a stream that began when nobody heard of ends, and another that hears of them since. */
  const heard = (ends: RevocationFrame['ends']) => {
    const view = new RevocationView({ issuer: ISSUER, realm: '', clock: new SystemClock() });
    let seq = 7;
    const follow = (change: Partial<RevocationFrame>) => view.take(frame({ seq: ++seq, ...change }));
    const renew = (complete_from: number) => {
      view.begin('mine');
      view.take(snapshot({ seq, complete_from }));
    };
    renew(100);
    follow({ ends });
    return { view, follow, renew };
  };

  it.each(DOUBTS)('passes with the tokens of its time: %s', (_, ends, doubted) => {
    const { view, follow, renew } = heard(ends);
    const seen = [view.judge(doubted)];
    for (const complete_from of [309, 310, 90 * DAY]) {
      follow({ complete_from });
      seen.push(view.judge(doubted));
    }
    renew(90 * DAY);
    seen.push(view.judge(doubted));
    follow({ ends, complete_from: 90 * DAY });
    seen.push(view.judge(doubted));
    expect(seen).toEqual(['doubtful', 'doubtful', 'unknown', 'unknown', 'unknown', 'unknown']);
  });

  it.each(DOUBTS)(
    'stays while tokens of its time may live, though another process knows less: %s',
    (_, ends, doubted) => {
      const { view, follow, renew } = heard(ends);
      renew(400);
      follow({ complete_from: 400 });
      expect(view.judge(doubted)).toBe('doubtful');
      follow({ complete_from: 401 });
      expect(view.judge(doubted)).toBe('unknown');
    },
  );

  it('never passes of a session that changed: its tokens for programs say what it might do before', () => {
    const { view, follow, renew } = heard([{ sid: 's', from: 0, before: 310 }]);
    follow({ complete_from: 90 * DAY });
    renew(90 * DAY);
    expect(view.judge(token())).toBe('doubtful');
  });

  it('passes by no clock that is ahead: whoever tells next is believed', () => {
    const { view, follow, renew } = heard([OTHERS]);
    const tomorrow = Math.ceil(Date.now() / 1_000) + DAY;
    follow({ complete_from: 2 * tomorrow });
    renew(100);
    expect(view.judge(token({ userId: 'v' }))).toBe('good');
    follow({ ends: [{ user_id: 'v', from: tomorrow, before: tomorrow + 20 }] });
    expect(view.judge(token({ userId: 'v', issuedAt: tomorrow + 10 }))).toBe('doubtful');
  });

  it('passes alone; what is sure stays', () => {
    const sure = [OTHERS, { sid: 'ended', before: 310 }, { from: 150, before: 310 }];
    const { view, follow, renew } = heard(sure);
    follow({ complete_from: DAY });
    for (let count = 0; count < 3; count++) {
      renew(DAY);
      const judged = (change: object) => view.judge(token(change));
      expect([judged({}), judged({ sessionId: 'kept' }), judged({ sessionId: 'ended', userId: 'v' })]).toEqual([
        'over',
        'unknown',
        'over',
      ]);
      expect(judged({ sessionId: 'kept', issuedAt: 149 })).toBe('over');
    }
  });
});

describe('the ends of sessions', () => {
  afterEach(() => vi.restoreAllMocks());

  it('of a user concern the tokens of before, but those of the session that goes on', () => {
    const set = new RevocationSet();
    set.add({ user_id: 'u', except: 'kept', kinds: ['login'], from: 190, before: 210 });
    const judged = (change: object) => set.judge(token(change));
    expect(judged({ issuedAt: 189 })).toBe('over');
    expect(judged({ issuedAt: 190 })).toBe('doubtful');
    expect(judged({ issuedAt: 210 })).toBe('good');
    expect(judged({ issuedAt: 189, sessionId: 'kept' })).toBe('good');
    expect(judged({ issuedAt: 189, userId: 'v' })).toBe('good');
    expect(judged({ issuedAt: 189, mayBeProgram: true })).toBe('doubtful');
  });

  it('leave when no token of their time is judged any more, and with them what is known of that time', () => {
    const set = new RevocationSet();
    for (let count = 0; count < 100_001; count++) set.add({ sid: `s${count}`, before: 1_000 + count });
    expect([set.size, set.floor]).toEqual([100_000, 1_000]);
    expect([set.judge(token({ sessionId: 's0', issuedAt: 999 })), set.judge(token({ sessionId: 's1' }))]).toEqual([
      'unknown',
      'over',
    ]);
    set.raise(200_000);
    expect(set.size).toBe(0);
  });

  it('leave oldest first, of whatever kind', () => {
    const set = new RevocationSet();
    set.add({ user_id: 'u', from: 90, before: 110 });
    set.add({ sid: 'changed', from: 0, before: 120 });
    set.add({ sid: 'ended', before: 130 });
    for (let count = 0; count < 99_998; count++) set.add({ user_id: `u${count}`, from: 190, before: 210 });
    expect([set.size, set.floor]).toEqual([100_000, 110]);
    for (const floor of [120, 130, 210]) {
      set.add({ sid: `s${floor}`, before: 1_000 });
      expect([set.size, set.floor]).toEqual([100_000, floor]);
    }
  });

  it('are not walked over anew by each that comes: what has left leaves holes, over which a full set would go', () => {
    const set = new RevocationSet();
    const add = (count: number) => {
      set.add({ sid: `s${count}`, before: 1_000 + count });
      set.add({ sid: `c${count}`, from: 0, before: 1_000 + count });
      set.add({ user_id: `u${count}`, from: 990 + count, before: 1_000 + count });
    };
    for (let count = 0; count < 33_333; count++) add(count);
    const begun = [vi.spyOn(Map.prototype, Symbol.iterator), vi.spyOn(Map.prototype, 'entries')];
    for (let count = 0; count < 1_000; count++) {
      add(33_333 + count);
      set.raise(1_000 + count);
    }
    expect(set.floor).toBe(1_999);
    expect(begun.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBeLessThan(10);
  });

  it('that are told late take nothing back of what is known', () => {
    const set = new RevocationSet();
    set.add({ sid: 's', from: 0, before: 210 });
    set.add({ sid: 's', from: 0, before: 150 });
    set.add({ user_id: 'v', from: 100, before: 210 });
    set.add({ user_id: 'v', from: 150, before: 160 });
    const judged = (change: object) => set.judge(token({ issuedAt: 209, ...change }));
    expect([judged({}), judged({ sessionId: 't', userId: 'v' })]).toEqual(['doubtful', 'doubtful']);
    expect(judged({ sessionId: 't', userId: 'v', issuedAt: 149 })).toBe('over');
  });

  it('of one user do not pile up: beyond a few, only the issuer knows the details', () => {
    const set = new RevocationSet();
    for (let count = 0; count < 1_000; count++) set.add({ user_id: 'u', except: `s${count}`, from: 190, before: 210 });
    expect(set.size).toBeLessThan(20);
    expect(set.judge(token())).not.toBe('good');
  });

  it('of one user, beyond a few, stay sure where nothing was spared by all of them', () => {
    const set = new RevocationSet();
    const logOutOthers = (times: number) => {
      for (let count = 0; count < times; count++)
        set.add({ user_id: 'u', except: `s${count}`, kinds: ['login'], from: 290, before: 310 });
    };
    const judged = (issuedAt: number, sessionId = 's') =>
      set.judge({ ...token({ issuedAt, sessionId }), mayBeProgram: true });
    set.add({ user_id: 'u', from: 100, before: 110 });
    logOutOthers(40);
    expect([judged(99), judged(100)]).toEqual(['over', 'doubtful']);
    for (const [except, from] of [
      ['one', 190],
      ['two', 200],
    ] as const)
      set.add({ user_id: 'u', except, from, before: from + 10 });
    logOutOthers(40);
    expect([judged(189), judged(189, 'one'), judged(189, 'two'), judged(190)]).toEqual([
      'over',
      'over',
      'over',
      'doubtful',
    ]);
  });

  it('of everybody do not pile up either, and stay ends', () => {
    const set = new RevocationSet();
    for (let count = 0; count < 100; count++) set.add({ from: 190 - count, before: 1_000 + count });
    expect(set.size).toBeLessThan(20);
    expect([set.judge(token({ issuedAt: 189 })), set.judge(token({ issuedAt: 190 }))]).toEqual(['over', 'doubtful']);
  });

  it('of one user, beyond a few, spare the session that the latest spares', () => {
    const set = new RevocationSet();
    for (let from = 1_000; from < 2_000; from += 20) {
      set.add({ user_id: 'u', except: `s${from}`, from, before: from + 10 });
      expect(set.judge(token({ sessionId: `s${from}`, issuedAt: from - 5 }))).toBe('good');
    }
  });
});
