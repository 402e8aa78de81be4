// Round numbers for the axis of a chart.

/** Ascending multiples of 1, 2, 2.5 or 5 times a power of ten that cover low..high, at most `most` + 1 steps of them. */
export function ticks(low: number, high: number, most = 5): number[] {
  const reach = Math.max(1, high - low);
  const rough = reach / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = [1, 2, 2.5, 5, 10].map((factor) => factor * power).filter((width) => Number.isInteger(width));
  const step = steps.find((width) => width >= rough) ?? 1;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step);
}
