import { afterEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from '../../../lib/contracts/clock';
import { REVOCATIONS_AUDIENCE, type RevocationFrame } from '../../../lib/tokens/revocation-frame';
import { RevocationView, WrongFrame } from '../../../lib/verifier/revocation-view';

const ISSUER = 'https://auth.example.com';
const START = 1_800_000_000_000;

/** A service and an issuer, each with a clock of its own that only goes forward. */
const opened = () => {
  const clocks = { service: 5_000, issuer: START };
  vi.spyOn(performance, 'now').mockImplementation(() => clocks.service);
  const view = new RevocationView({ issuer: ISSUER, realm: '', clock: new SystemClock() });
  let seq = 0;
  const take = (change: Partial<RevocationFrame> = {}) => {
    const { issuer: now } = clocks;
    const frame = {
      iss: ISSUER,
      aud: REVOCATIONS_AUDIENCE,
      stream_id: 'one',
      seq,
      now,
      heard: now,
      complete_from: 1,
      ends: [],
    };
    return view.take({ ...frame, ...change } as RevocationFrame);
  };
  view.begin('mine');
  take({ nonce: 'mine', left: 0 });
  const beat = () => {
    seq++;
    return take();
  };
  return { clocks, view, beat };
};

describe('the age of what a service knows', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is that of the frames, while both clocks go', () => {
    const { clocks, view, beat } = opened();
    for (let count = 0; count < 600; count++) {
      clocks.service += 1_000;
      clocks.issuer += 1_000;
      beat();
      expect(view.isFresh).toBe(true);
    }
  });

  it('L5: is unknown where the clock of the service stood still: frames that were held back would count as new', () => {
    const { clocks, view, beat } = opened();
    expect(view.isFresh).toBe(true);
    // Suspended for a minute.
    clocks.issuer += 60_000;
    clocks.service += 10;
    expect(() => beat()).toThrow(WrongFrame);
    view.distrust();
    expect(view.isFresh).toBe(false);
  });
});
