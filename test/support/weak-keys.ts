import {
  checkPrimeSync,
  createPrivateKey,
  createPublicKey,
  generatePrimeSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const BITS = 1_024n;

/** A private RSA key of these primes and this public exponent. */
export function rsaOf(p: bigint, q: bigint, e = 65_537n): KeyObject {
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  return createPrivateKey({ key: { kty: 'RSA', ...encoded(numbers) }, format: 'jwk' });
}

/** A public RSA key of any numbers. */
export function publicRsaOf(n: bigint, e = 65_537n): KeyObject {
  return createPublicKey({ key: { kty: 'RSA', ...encoded({ n, e }) }, format: 'jwk' });
}

export const randomPrime = () => generatePrimeSync(Number(BITS), { bigint: true });

/** The prime that comes next. */
export function primeAfter(prime: bigint): bigint {
  let next = prime + 2n;
  while (!checkPrimeSync(next)) next += 2n;
  return next;
}

/**
 * A prime as Infineon's RSALib made it for keys of 2,048 bits (CVE-2017-15361): k · M + (65537^a mod M), M being the
 * product of the first 126 primes.
 */
export function rocaPrime(): bigint {
  const primes: number[] = [];
  for (let n = 2; primes.length < 126; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const product = primes.reduce((all, prime) => all * BigInt(prime), 1n);
  const rem = power(65_537n, BigInt(`0x${randomBytes(8).toString('hex')}`), product);
  for (;;) {
    const prime = generatePrimeSync(Number(BITS), { add: product, rem, bigint: true });
    // Two such make a modulus of full length.
    if (prime >> (BITS - 2n) === 3n) return prime;
  }
}

function encoded(numbers: Record<string, bigint>): Record<string, string> {
  const encode = (value: bigint) => {
    const hex = value.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
  };
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, encode(value)]));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let rest = exponent, square = base % modulus; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus;
  }
  return result;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r, next, t, other] = [modulus, value % modulus, 0n, 1n];
  while (next > 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [t, other] = [other, t - quotient * other];
  }
  return t < 0n ? t + modulus : t;
}
