import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../lib/contracts/address';

describe('the address that is kept of a client', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
    // Of a server that listens to both versions of IP.
    ['::ffff:203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
    ['::FFFF:203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
    ['2001:db8:1:2::3', '2001:db8:1:2::3', '2001:db8:1::/48'],
    ['fe80::1%eth0', 'fe80::1%eth0', 'fe80:0:0::/48'],
    ['unix:', 'unix:', null],
  ])('%s: %s, or its network %s, or nothing', (ip, full, prefix) => {
    expect(addressOf(ip, 'full')).toBe(full);
    expect(addressOf(ip, 'prefix')).toBe(prefix);
    expect(addressOf(ip, 'none')).toBeNull();
  });

  it('is none where there is none', () => {
    expect([addressOf(null, 'full'), addressOf(undefined, 'prefix')]).toEqual([null, null]);
  });
});
