// Figures from samples. Samples of one scenario are in the order of the rounds, so that those of two can be paired.

/** The value below which a share `q` of the values lies, by linear interpolation. NaN when there are none. */
export function quantile(values, q) {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = Math.ceil(at);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export function median(values) {
  return quantile(values, 0.5);
}

/** Round by round, one value divided by the other's of the same round: what drifts, drifts for both. */
export function ratios(values, reference) {
  return paired(values, reference, (value, other) => value / other);
}

/** Round by round, how much one value exceeds the other's of the same round. */
export function excesses(values, reference) {
  return paired(values, reference, (value, other) => value - other);
}

/** Half the range between the quartiles, as a share of the median: how much the rounds disagree. */
export function spread(values) {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values);
}

/** `within` when the value keeps to its greatest allowed one, `unmeasured` when there is none. */
export function verdict(value, most) {
  if (!Number.isFinite(value)) return 'unmeasured';
  return value <= most ? 'within' : 'beyond';
}

function paired(values, others, combine) {
  if (values.length !== others.length) throw new RangeError('Only samples of the same rounds can be compared.');
  return values.map((value, round) => combine(value, others[round]));
}
