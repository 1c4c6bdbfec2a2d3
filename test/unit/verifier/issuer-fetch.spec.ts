import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ageOf, fetchFromIssuer, failureOf } from '../../../lib/verifier/issuer-fetch';
import { type Fault, faults, IssuerGate } from '../../support/issuer-gate';

describe('a request to the issuer', () => {
  let gate: IssuerGate;
  beforeEach(async () => void (gate = await IssuerGate.before(9)));
  afterEach(() => gate.down());

  const failure = async (fault?: Fault, init: RequestInit = {}) => {
    gate.fault = fault;
    const error = await fetchFromIssuer(gate.url, init).catch((reason: unknown) => reason);
    return failureOf(error).message;
  };

  it('reads an answer of 64 KiB, and none that is longer or never ends', async () => {
    const text = JSON.stringify('x'.repeat(65_534));
    gate.fault = faults.answers(200, text);
    expect(await (await fetchFromIssuer(gate.url, {})).text()).toBe(text);
    const tooLong = "The issuer's answer is longer than 65536 bytes.";
    expect(await failure(faults.answers(200, `${text} `))).toBe(tooLong);
    expect(await failure(faults.neverEnds)).toBe(tooLong);
  });

  it.each([
    ['0', 0],
    ['59', 59_000],
    ['7, 9', 7_000],
    ['', 0],
    ['-5', 0],
    ['1.5', 0],
    ['9'.repeat(400), 2 ** 31 * 1_000],
    ['soon', 0],
  ])('reads an age of %j as %i ms', async (age, ms) => {
    gate.fault = faults.answers(200, {}, { age });
    expect(ageOf(await fetchFromIssuer(gate.url, {}))).toBe(ms);
    gate.fault = faults.answers(200);
    expect(ageOf(await fetchFromIssuer(gate.url, {}))).toBe(0);
  });

  it('says in words what went wrong, and repeats nothing of the answer', async () => {
    expect(await failure(faults.answers(500, 'the secrets of the issuer'))).toBe('The issuer answered 500.');
    expect(await failure(faults.answers(401))).toBe(
      'The issuer answered 401. Compare id and secret of the client with `clients` there.',
    );
    expect(await failure(faults.answers(400))).toMatch(/^The issuer answered 400\. .*`may`/);
    expect(await failure(faults.answers(404))).toMatch(/^The issuer answered 404\. .*`routes`/);
    expect(await failure(faults.redirects)).toBe('The issuer answered 307.');
    expect(await failure(faults.hangs, { signal: AbortSignal.timeout(100) })).toBe(
      'The issuer did not answer in time.',
    );
    gate.fault = faults.answers(200, '<html> of the issuer');
    const parsed = await (await fetchFromIssuer(gate.url, {})).json().catch((reason: unknown) => reason);
    expect(failureOf(parsed).message).toBe('The answer is not JSON.');
    await gate.down();
    // A connection that was kept may still have to learn of its end.
    await expect.poll(() => failure()).toMatch(/^connect ECONNREFUSED/);
  });
});
