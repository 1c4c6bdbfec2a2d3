import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidDpopProofError } from '../../../lib/contracts/binding-errors';
import { TokenRejection } from '../../../lib/contracts/errors';
import { RejectionLog } from '../../../lib/sessions/rejection-log';
import { notingLogger } from '../../support/noting-logger';

describe('the log of refused tokens', () => {
  let lines: string[];

  beforeEach(() => {
    // As an application with `logger: […]` leaves it, and one without.
    (Logger as any).logLevels = undefined;
    lines = [];
    Logger.overrideLogger(notingLogger((line) => lines.push(String(line)), 'debug'));
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    (Logger as any).logLevels = undefined;
    Logger.overrideLogger(false);
  });

  it('says what was wrong, and whose token it was where that is known', () => {
    const log = new RejectionLog();
    log.write('access', new TokenRejection('signature'));
    log.write('refresh', new TokenRejection('session_not_found', { sessionId: 'the-sid', userId: 'a "user"' }));
    expect(lines).toEqual([
      '[jwt-knox:token-refused] An access token was refused: signature.',
      '[jwt-knox:token-refused] A refresh token was refused: session_not_found. Session the-sid, user "a \\"user\\"".',
    ]);
  });

  it('says what was wrong with a proof', () => {
    new RejectionLog().writeProof(new InvalidDpopProofError('bad_proof', 'htm is not the method of the request'));
    expect(lines).toEqual(['[jwt-knox:token-refused] A DPoP proof was refused: htm is not the method of the request.']);
  });

  it('writes ten lines a second at most, and tells how many are missing', () => {
    const log = new RejectionLog();
    for (let i = 0; i < 1_000; i++) log.write('access', new TokenRejection('malformed'));
    expect(lines).toHaveLength(10);
    vi.advanceTimersByTime(999);
    log.write('access', new TokenRejection('malformed'));
    expect(lines).toHaveLength(10);
    vi.advanceTimersByTime(1);
    log.write('access', new TokenRejection('header'));
    log.write('access', new TokenRejection('header'));
    expect(lines.slice(10)).toEqual([
      '[jwt-knox:token-refused] An access token was refused: header. Before it, 991 more were refused without a line.',
      '[jwt-knox:token-refused] An access token was refused: header.',
    ]);
  });

  it.each([
    [['error'], 0],
    [['log', 'fatal', 'error', 'warn'], 0],
    [['debug'], 1],
    [['verbose', 'debug', 'log'], 1],
  ] as const)('keeps silent, and looks at nothing, when the level is off: %j', (levels, count) => {
    Logger.overrideLogger([...levels]);
    let looks = 0;
    const rejection = new Proxy(new TokenRejection('signature'), {
      get: (target, name) => (looks++, Reflect.get(target, name)),
    });
    new RejectionLog().write('access', rejection);
    expect([Math.sign(looks), lines.length]).toEqual([count, count]);
  });
});
