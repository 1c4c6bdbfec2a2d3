import { describe, expect, it } from 'vitest';
import { IssuerUnavailableError } from '../../../lib';
import { CircuitBreaker, MAX_FAILURES, MOST_AT_ONCE, PAUSE_MS } from '../../../lib/verifier/circuit-breaker';
import { UnusableResponse } from '../../../lib/verifier/issuer-fetch';
import { deferred } from '../../support/controlled-repository';

function setUp() {
  const time = { now: 0 };
  const circuit = new CircuitBreaker(() => time.now);
  let asked = 0;
  const fail = () =>
    circuit.run(async () => {
      asked++;
      throw new Error('gone');
    });
  const succeed = () =>
    circuit.run(async () => {
      asked++;
      return 'well';
    });
  return { time, circuit, fail, succeed, asked: () => asked };
}

async function failRepeatedly(fail: () => Promise<unknown>, times: number) {
  for (let i = 0; i < times; i++) await expect(fail()).rejects.toBeInstanceOf(IssuerUnavailableError);
}

describe('a circuit', () => {
  it('gives what the work gives, and wraps what it throws', async () => {
    const { succeed, fail } = setUp();
    expect(await succeed()).toBe('well');
    await expect(fail()).rejects.toMatchObject({ status: 503, code: 'issuer_unavailable', cause: { message: 'gone' } });
  });

  it('opens after so many failures in a row, and then tries nothing until the pause is over', async () => {
    const { time, fail, succeed, asked } = setUp();
    await failRepeatedly(fail, MAX_FAILURES);
    await expect(succeed()).rejects.toBeInstanceOf(IssuerUnavailableError);
    time.now += PAUSE_MS - 1;
    await expect(succeed()).rejects.toBeInstanceOf(IssuerUnavailableError);
    expect(asked()).toBe(MAX_FAILURES);
    time.now += 1;
    expect(await succeed()).toBe('well');
    expect(await succeed()).toBe('well');
  });

  it('stays shut while the issuer answers, whatever it says: one token must not shut out the others', async () => {
    const { circuit, succeed } = setUp();
    const useless = () => circuit.run(() => Promise.reject(new UnusableResponse('The issuer answered 404.')));
    await failRepeatedly(useless, 5 * MAX_FAILURES);
    expect(await succeed()).toBe('well');
  });

  it('opens though results that confirm nothing come in between, and is not shut by one', async () => {
    const { time, circuit, fail, succeed } = setUp();
    const inactive = () =>
      circuit.run(
        async () => null,
        () => false,
      );
    for (let i = 0; i < MAX_FAILURES; i++) {
      expect(await inactive()).toBeNull();
      await failRepeatedly(fail, 1);
    }
    await expect(succeed()).rejects.toBeInstanceOf(IssuerUnavailableError);
    time.now += PAUSE_MS;
    expect(await inactive()).toBeNull();
    await failRepeatedly(fail, 1);
    await expect(succeed()).rejects.toBeInstanceOf(IssuerUnavailableError);
  });

  it('counts only failures in a row', async () => {
    const { fail, succeed, asked } = setUp();
    for (let i = 0; i < 3; i++) {
      await failRepeatedly(fail, MAX_FAILURES - 1);
      expect(await succeed()).toBe('well');
    }
    expect(asked()).toBe(3 * MAX_FAILURES);
  });

  it('lets one through after the pause, and the others only when that one is well', async () => {
    const { time, circuit, fail, succeed, asked } = setUp();
    await failRepeatedly(fail, MAX_FAILURES);
    time.now += PAUSE_MS;
    const probe = deferred<string>();
    const first = circuit.run(() => probe.promise);
    await expect(succeed()).rejects.toBeInstanceOf(IssuerUnavailableError);
    expect(asked()).toBe(MAX_FAILURES);
    probe.resolve('back');
    expect([await first, await succeed()]).toEqual(['back', 'well']);
  });

  it('stays open for another pause when that one fails', async () => {
    const { time, fail, succeed, asked } = setUp();
    await failRepeatedly(fail, MAX_FAILURES);
    time.now += PAUSE_MS;
    await failRepeatedly(fail, 1);
    await expect(succeed()).rejects.toBeInstanceOf(IssuerUnavailableError);
    expect(asked()).toBe(MAX_FAILURES + 1);
    time.now += PAUSE_MS;
    expect(await succeed()).toBe('well');
  });
});

type Runner = Pick<CircuitBreaker, 'run'>;
type Make = (now: () => number) => Runner;

/** Control: one probe at a time, whatever it finds out. */
class OneProbe implements Runner {
  private failures = 0;
  private failedAt = -Infinity;
  private probing = false;

  constructor(private readonly now: () => number) {}

  async run<T>(work: () => Promise<T>, confirms: (result: T) => boolean = () => true): Promise<T> {
    const isProbe = this.failures >= MAX_FAILURES;
    if (isProbe && (this.probing || this.now() - this.failedAt < PAUSE_MS)) throw new IssuerUnavailableError();
    this.probing ||= isProbe;
    try {
      const result = await work();
      if (confirms(result)) this.failures = 0;
      return result;
    } catch (error) {
      this.failures++;
      this.failedAt = this.now();
      throw error;
    } finally {
      if (isProbe) this.probing = false;
    }
  }
}

/** What becomes of requests that begin and are answered at these moments, in order; `at` is when each one began. */
interface Told {
  at: number;
  who: 'honest' | 'forged';
  outcome: 'active' | 'inactive' | 'refused' | 'failed';
}

const settled = () => new Promise((passed) => setImmediate(passed));

/**
 * Plays 600 forged tokens and 20 honest ones a second against a circuit that an outage has just opened.
 * @param honest how long the issuer takes for an honest token (ms), and whether it can answer it
 * @param forged how long it takes for a forged one, which it always knows for what it is
 */
async function play(make: Make, honest: { takes: number; isWell: boolean }, forged = { takes: 5 }, until = 3_000) {
  const time = { now: 0 };
  const circuit = make(() => time.now);
  for (let i = 0; i < MAX_FAILURES; i++) await circuit.run(() => Promise.reject(new Error('gone'))).catch(() => null);
  const told: Told[] = [];
  const due: { at: number; act: () => void }[] = [];
  const asked = { honest: 0, most: 0 };
  const begin = (who: Told['who'], at: number, takes: number, answer: () => string | null) => {
    let isAsked = false;
    const ask = () => {
      isAsked = true;
      if (who === 'honest') asked.most = Math.max(asked.most, ++asked.honest);
      return new Promise<string | null>((resolve, reject) => {
        const act = () => {
          if (who === 'honest') asked.honest--;
          if (who === 'honest' && !honest.isWell) reject(new Error('still gone'));
          else resolve(answer());
        };
        due.push({ at: at + takes, act });
      });
    };
    const note = (outcome: Told['outcome']) => void told.push({ at, who, outcome });
    circuit
      .run(ask, (result) => result !== null)
      .then((result) => note(result === null ? 'inactive' : 'active'))
      .catch(() => note(isAsked ? 'failed' : 'refused'));
  };
  for (let i = 0; i * (5 / 3) < until; i++) {
    const at = i * (5 / 3);
    due.push({ at, act: () => begin('forged', at, forged.takes, () => null) });
  }
  for (let at = 10; at < until; at += 50) due.push({ at, act: () => begin('honest', at, honest.takes, () => 'well') });
  for (;;) {
    const next = due.reduce((first, one) => (one.at < first.at ? one : first), { at: until, act: () => undefined });
    if (next.at >= until) break;
    due.splice(due.indexOf(next), 1);
    time.now = next.at;
    next.act();
    await settled();
  }
  const refusedAt = told.filter((one) => one.who === 'honest' && one.outcome === 'refused').map(({ at }) => at);
  return { told, refusedAt, mostHonest: asked.most };
}

describe('S9: after an outage, among 600 forged tokens a second', () => {
  const isWell = { takes: 8, isWell: true };

  it('honest users are let in at once: what is not active leaves the way free', async () => {
    const { told, refusedAt } = await play((now) => new CircuitBreaker(now), isWell);
    expect(refusedAt.filter((at) => at > PAUSE_MS + 50)).toEqual([]);
    expect(told.filter(({ outcome }) => outcome === 'active').length).toBeGreaterThan(30);
  });

  it('control: with one probe at a time, which forged tokens take, they are refused', async () => {
    const { refusedAt } = await play((now) => new OneProbe(now), isWell);
    expect(refusedAt.filter((at) => at > PAUSE_MS + 500).length).toBeGreaterThan(10);
  });

  it('an issuer that cannot answer for honest tokens yet holds up few of them, and the others are refused at once', async () => {
    const frozen = { takes: 2_000, isWell: false };
    const { told, mostHonest } = await play((now) => new CircuitBreaker(now), frozen, { takes: 5 }, 12_000);
    const honest = told.filter(({ who }) => who === 'honest');
    expect(mostHonest).toBeLessThanOrEqual(MOST_AT_ONCE);
    expect(honest.every(({ outcome }) => outcome === 'refused' || outcome === 'failed')).toBe(true);
    expect(honest.filter(({ outcome }) => outcome === 'refused').length).toBeGreaterThan(50);
  });

  it('an answer of no use leaves the way free as well', async () => {
    const { time, circuit, fail, succeed } = setUp();
    await failRepeatedly(fail, MAX_FAILURES);
    time.now += PAUSE_MS;
    await failRepeatedly(() => circuit.run(() => Promise.reject(new UnusableResponse('The issuer answered 404.'))), 1);
    const forged = deferred<null>();
    const slow = circuit.run(
      () => forged.promise,
      () => false,
    );
    expect(await succeed()).toBe('well');
    forged.resolve(null);
    expect(await slow).toBeNull();
  });

  it('never more ask at once than the limit, however many answers came before', async () => {
    const { time, circuit, fail } = setUp();
    await failRepeatedly(fail, MAX_FAILURES);
    time.now += PAUSE_MS;
    const none = () => false;
    for (let i = 0; i < 20; i++) await circuit.run(async () => null, none);
    const held = deferred<null>();
    const asking = Array.from({ length: 200 }, () => circuit.run(() => held.promise, none).catch(() => 'refused'));
    held.resolve(null);
    const outcomes = await Promise.all(asking);
    expect(outcomes.filter((one) => one === null)).toHaveLength(MOST_AT_ONCE);
  });
});
