/** A length of time: a number of seconds, or a number with its unit: `'10s'`, `'5m'`, `'12h'`, `'30d'`, `'500ms'`. */
export type Duration = number | string;

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * The duration in milliseconds, or null when it cannot be read. Strings need their unit: the usual parsers take a bare
 * `'300'` for milliseconds, which would turn a five-minute token into one that is expired at birth.
 */
export function millisecondsOf(duration: unknown): number | null {
  if (typeof duration === 'number') return toWholeMs(duration * 1_000);
  if (typeof duration !== 'string') return null;
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?(ms|s|m|h|d|w)$/.exec(duration);
  return match ? toWholeMs(Number(match[1]) * UNIT_MS[match[2]!]!) : null;
}

function toWholeMs(ms: number): number | null {
  return Number.isFinite(ms) && ms >= 0 && ms <= 3_153_600_000_000 ? Math.round(ms) : null;
}
