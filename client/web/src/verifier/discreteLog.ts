// Bounded discrete logarithms: from x·G back to the count x (docs/spec 7.6). Baby steps, giant steps, with one table for
// all counts of an election, so that a city of millions takes seconds.
import { toHex } from '../core/bytes.ts';
import { add, encodePoint, IDENTITY, BASE, multiply, subtract, type Point } from '../core/group.ts';

/** A table of 2^18 baby steps is about 30 MB, and enough for bounds of 2^36. */
const LARGEST_TABLE = 2 ** 18;

/** For each point the x with x·G = point and 0 ≤ x ≤ its bound; null where there is none. */
export function discreteLogs(points: readonly Point[], bounds: readonly number[]): (number | null)[] {
  const width = tableWidth(bounds);
  const steps = babySteps(width);
  const giant = multiply(BASE, BigInt(width));
  return points.map((point, at) => search(point, bounds[at] ?? 0, width, steps, giant));
}

/** The width for which baby steps, made once, cost as much as the giant steps of all counts together. */
function tableWidth(bounds: readonly number[]): number {
  const work = bounds.reduce((sum, bound) => sum + bound, 0);
  return Math.max(1, Math.min(LARGEST_TABLE, Math.ceil(Math.sqrt(work))));
}

/** x by the encoding of x·G, for x below the width. */
function babySteps(width: number): ReadonlyMap<string, number> {
  const steps = new Map<string, number>();
  let point = IDENTITY;
  for (let x = 0; x < width; x += 1) {
    steps.set(toHex(encodePoint(point)), x);
    point = add(point, BASE);
  }
  return steps;
}

function search(
  point: Point,
  bound: number,
  width: number,
  steps: ReadonlyMap<string, number>,
  giant: Point,
): number | null {
  let rest = point;
  for (let taken = 0; taken <= bound; taken += width) {
    const step = steps.get(toHex(encodePoint(rest)));
    if (step !== undefined) return taken + step <= bound ? taken + step : null;
    rest = subtract(rest, giant);
  }
  return null;
}
