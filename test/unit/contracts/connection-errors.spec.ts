import { describe, expect, it } from 'vitest';
import { isConnectionFailure, withoutParameters } from '../../../lib/contracts/connection-errors';

const errorOf = (message: string, members: object = {}) => Object.assign(new Error(message), members);

describe('a connection error', () => {
  it.each([
    errorOf('connect ECONNREFUSED 127.0.0.1:389', { code: 'ECONNREFUSED' }),
    errorOf('read ECONNRESET', { code: 'ECONNRESET' }),
    errorOf('getaddrinfo EAI_AGAIN directory', { code: 'EAI_AGAIN' }),
    errorOf('connect ENOENT /run/directory.sock', { code: 'ENOENT' }),
    errorOf('Connection terminated unexpectedly'),
    errorOf('terminating connection due to administrator command'),
  ])('is told by the network alone: %s', (error) => {
    expect(isConnectionFailure(error)).toBe(true);
    expect(isConnectionFailure(errorOf('query failed', { driverError: error }))).toBe(true);
    expect(isConnectionFailure(new AggregateError([error], ''))).toBe(true);
  });

  it.each([errorOf('too many clients', { code: '53300' }), errorOf('x', { code: 'ENOENT' }), new TypeError('x'), null])(
    'is nothing that only a driver knows, and no bug: %s',
    (error) => expect(isConnectionFailure(error)).toBe(false),
  );

  it('S11: leaves out what a driver adds, but for the code', () => {
    const driverError = errorOf('duplicate key', { code: '23505', detail: 'Key (digest)=(abc)' });
    const bare = withoutParameters(errorOf('duplicate key', { driverError, parameters: ['abc'] }));
    expect({ ...bare }).toEqual({ code: '23505' });
    expect(bare.message).toBe('duplicate key');
  });
});
