import type { KeyObject } from 'node:crypto';
import { plainKeyOf } from './jwk';

const MAKE_A_NEW_ONE = 'make a new key with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072`.';

/** FIPS 186-5 appendix A.1.1. With 1, anybody signs; with 3, verifiers that read the padding loosely take forgeries. */
const LEAST_EXPONENT = 65_537n;
const EXPONENT_BITS = 256n;
/** OpenSSL verifies no signature of a longer one. */
const MOST_BITS = 16_384;

const SMALL_PRIMES = primesBelow(752);
/** So many steps of Fermat's factorisation find the close primes that broken generators made (CVE-2022-26320). */
const FERMAT_STEPS = 100;
/** What squares leave when divided by 64: few numbers pass, and a root is costly. */
const SQUARES_MOD_64 = new Set(Array.from({ length: 64 }, (_, n) => BigInt((n * n) % 64)));

/** What the powers of 65,537 leave when divided by the odd primes up to 167. */
const ROCA_REMAINDERS = SMALL_PRIMES.filter((prime) => prime > 2 && prime <= 167).map(
  (prime) => [BigInt(prime), powersOf(65_537 % prime, prime)] as const,
);

/** Why anybody can sign with an RSA key, or might; null when nothing is known against it. */
export function rsaWeakness(key: KeyObject): string | null {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 2048) return `the RSA key has ${modulusLength} bits; it needs 2048 or more.`;
  if (modulusLength > MOST_BITS) return `the RSA key has ${modulusLength} bits; ${MOST_BITS} is the most.`;
  if (publicExponent < LEAST_EXPONENT || publicExponent % 2n === 0n || publicExponent >> EXPONENT_BITS > 0n) {
    const shown = publicExponent < 2n ** 32n ? `is ${publicExponent}` : 'is even or too long';
    return `the RSA key's public exponent ${shown}; it must be odd and 65537 or more (FIPS 186-5): ${MAKE_A_NEW_ONE}`;
  }
  const modulus = modulusOf(key);
  if (SMALL_PRIMES.some((prime) => modulus % BigInt(prime) === 0n) || hasClosePrimes(modulus)) {
    return `the RSA key's modulus is easily factored, so that anybody can sign; ${MAKE_A_NEW_ONE}`;
  }
  return isRoca(modulus) ? `the RSA key was made by a broken generator (CVE-2017-15361); ${MAKE_A_NEW_ONE}` : null;
}

function modulusOf(key: KeyObject): bigint {
  const { n } = plainKeyOf(key).export({ format: 'jwk' });
  return BigInt(`0x${Buffer.from(n!, 'base64url').toString('hex')}`);
}

/**
 * Infineon's RSALib made primes of the form k · M + (65537^a mod M), M the product of the first primes, so that the modulus is
 * a power of 65,537 to each of these. By chance one of 200 million is (Nemec et al., "The Return of Coppersmith's Attack").
 */
function isRoca(modulus: bigint): boolean {
  return ROCA_REMAINDERS.every(([prime, remainders]) => remainders.has(Number(modulus % prime)));
}

function hasClosePrimes(modulus: bigint): boolean {
  const root = squareRoot(modulus);
  for (let step = 0n; step < FERMAT_STEPS; step++) {
    const middle = root + step;
    const square = middle * middle - modulus;
    if (square >= 0n && SQUARES_MOD_64.has(square & 63n) && squareRoot(square) ** 2n === square) return true;
  }
  return false;
}

/** Rounded down, by Newton's method. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function primesBelow(end: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n < end; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

function powersOf(base: number, modulus: number): Set<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % modulus) powers.add(power);
  return powers;
}
