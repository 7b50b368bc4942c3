// Reading Prometheus' text format, and what happened between two readings of it.

/** Samples by name: `[{ labels, value }]`. */
export function parse(text) {
  const samples = new Map();
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!found || line.startsWith('#')) continue;
    const labels = {};
    for (const [, key, value] of (found[2] || '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    if (!samples.has(found[1])) samples.set(found[1], []);
    samples.get(found[1]).push({ labels, value: Number(found[3]) });
  }
  return samples;
}

/** The sum of a metric's samples whose labels fit. */
export function sum(samples, name, fits = () => true) {
  return (samples.get(name) || []).filter((sample) => fits(sample.labels)).reduce((total, sample) => total + sample.value, 0);
}

/** What a counter grew by; after a restart it began anew. */
export function growth(before, after) {
  return after >= before ? after - before : after;
}

/**
 * A quantile of what a histogram saw between two readings, by linear interpolation within its bucket; `null` where it
 * saw nothing.
 */
export function quantile(before, after, name, q) {
  const read = (samples) => new Map((samples.get(`${name}_bucket`) || []).map((sample) => [sample.labels.le, sample.value]));
  const [old, fresh] = [read(before), read(after)];
  const buckets = [...fresh].map(([le, value]) => [le === '+Inf' ? Infinity : Number(le), growth(old.get(le) || 0, value)]).sort((one, two) => one[0] - two[0]);
  const total = buckets.length ? buckets[buckets.length - 1][1] : 0;
  if (!total) return null;
  const wanted = q * total;
  let [lower, below] = [0, 0];
  for (const [upper, count] of buckets) {
    if (count >= wanted) {
      if (upper === Infinity) return lower;
      return count === below ? upper : lower + ((upper - lower) * (wanted - below)) / (count - below);
    }
    [lower, below] = [upper, count];
  }
  return lower;
}
