// Random choices that a seed repeats.

/** A stream of its own for each pair of seed and index, so that a case is the same whatever ran before it. */
export class Random {
  constructor(seed, index = 0) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  }

  /** From 0 up to, and without, 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  int(below) {
    return Math.floor(this.next() * below);
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[this.int(list.length)];
  }

  bytes(count) {
    return Buffer.from(Array.from({ length: count }, () => this.int(256)));
  }
}

/** The number after `--seed`, or one of the clock's. */
export function seedOf(argv = process.argv) {
  const given = argv.indexOf('--seed');
  return given < 0 ? Date.now() % 1_000_000_000 : Number(argv[given + 1]);
}
