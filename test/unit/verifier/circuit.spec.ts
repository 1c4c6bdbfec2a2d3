import { describe, expect, it } from 'vitest';
import { IssuerUnavailableError } from '../../../lib';
import { Circuit, MAX_FAILURES, PAUSE_MS } from '../../../lib/verifier/circuit';
import { UselessAnswer } from '../../../lib/verifier/issuer-request';
import { deferred } from '../../support/controlled-repository';

function setUp() {
  const time = { now: 0 };
  const circuit = new Circuit(() => time.now);
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
    const useless = () => circuit.run(() => Promise.reject(new UselessAnswer('The issuer answered 404.')));
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
