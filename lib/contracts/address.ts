import { isIPv4, isIPv6 } from 'node:net';

/** How much of a client's address is kept. */
export type AddressDetail = 'full' | 'prefix' | 'none';

/**
 * An address as it may be kept: as it is, as the network it is in (`192.0.2.0/24`, `2001:db8:1::/48`), or not at all.
 * Addresses are personal data.
 */
export function addressOf(ip: string | null | undefined, detail: AddressDetail): string | null {
  if (typeof ip !== 'string' || detail === 'none') return null;
  // As a socket that listens to both versions has it.
  const address = /^::ffff:([\d.]+)$/i.exec(ip)?.[1] ?? ip;
  return detail === 'full' ? address : networkOf(address);
}

/** Null for what is no address: there is no telling what it gives away. */
function networkOf(ip: string): string | null {
  if (isIPv4(ip)) return `${ip.slice(0, ip.lastIndexOf('.'))}.0/24`;
  const [address = ''] = ip.split('%');
  if (!isIPv6(address)) return null;
  const [head = '', tail = ''] = address.split('::').map((part) =>
    part
      .split(':')
      .filter((group) => group !== '')
      .join(':'),
  );
  const [before, after] = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = address.includes('::') ? Array.from({ length: 8 - before!.length - after!.length }, () => '0') : [];
  const groups = [...before!, ...zeros, ...after!].slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/48`;
}
