// Sums of many products in variable time, for public data only: Pippenger's buckets with signed digits.
//
// Half of a batch's scalars are weights of 128 bits: their upper digits are zero and cost nothing here.
import { ristretto255 } from '@noble/curves/ed25519.js';

type Point = InstanceType<typeof ristretto255.Point>;

const { ZERO, Fn } = ristretto255.Point;
const HALF = Fn.ORDER >> 1n;

/** Σ scalarᵢ·pointᵢ for scalars in 0 … ℓ−1. */
export function multiScalar(points: readonly Point[], scalars: readonly bigint[]): Point {
  const width = windowFor(points.length);
  const digits = scalars.map((scalar) => signedDigits(scalar, width));
  const windows = digits.reduce((most, { length }) => Math.max(most, length), 0);
  let total = ZERO;
  for (let window = windows - 1; window >= 0; window -= 1) {
    if (total !== ZERO) for (let bit = 0; bit < width; bit += 1) total = total.double();
    const sum = sumOfWindow(points, digits, window, width);
    if (sum !== null) total = total === ZERO ? sum : total.add(sum);
  }
  return total;
}

/** The bits of a digit: what costs least for so many points, by counting additions. */
function windowFor(count: number): number {
  let best = 2;
  const cost = (width: number): number => (256 / width) * (count + 2 ** width);
  while (best < 14 && cost(best + 1) < cost(best)) best += 1;
  return best;
}

const RADIX_BITS = 32;

/** Digits in −2^(w−1) … 2^(w−1), least significant first, with no zero at the end; few for ℓ less a small number. */
function signedDigits(scalar: bigint, width: number): Int16Array {
  const sign = scalar > HALF ? -1 : 1;
  const words: number[] = [];
  for (let rest = sign < 0 ? Fn.ORDER - scalar : scalar; rest > 0n; rest >>= 32n)
    words.push(Number(rest & 0xffffffffn));
  const base = 2 ** width;
  const digits = new Int16Array(Math.ceil((RADIX_BITS * words.length) / width) + 1);
  let carry = 0;
  let length = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = bitsAt(words, at * width, width) + carry;
    // A negated point costs nothing, so digits of both signs halve the buckets.
    carry = digit > base / 2 ? 1 : 0;
    const signed = carry === 1 ? digit - base : digit;
    digits[at] = sign * signed;
    if (signed !== 0) length = at + 1;
  }
  return digits.subarray(0, length);
}

/** `width` bits from the bit `start` on, at most 14. */
function bitsAt(words: readonly number[], start: number, width: number): number {
  const word = start >>> 5;
  const shift = start & 31;
  const low = (words[word] ?? 0) >>> shift;
  const high = shift === 0 ? 0 : (words[word + 1] ?? 0) << (RADIX_BITS - shift);
  return (low | high) & (2 ** width - 1);
}

/** Σ digit·point over one window, or null for nothing. */
function sumOfWindow(
  points: readonly Point[],
  digits: readonly Int16Array[],
  window: number,
  width: number,
): Point | null {
  const buckets: (Point | null)[] = new Array<Point | null>(2 ** (width - 1) + 1).fill(null);
  for (let at = 0; at < points.length; at += 1) {
    const digit = (digits[at] as Int16Array)[window] ?? 0;
    if (digit === 0) continue;
    const point = digit > 0 ? (points[at] as Point) : (points[at] as Point).negate();
    const place = Math.abs(digit);
    const held = buckets[place] as Point | null;
    buckets[place] = held === null ? point : held.add(point);
  }
  // Σ place·bucket without a product: the bucket of place p is in `running` for the last p sums.
  let running: Point | null = null;
  let sum: Point | null = null;
  for (let place = buckets.length - 1; place > 0; place -= 1) {
    const held = buckets[place] as Point | null;
    if (held !== null) running = running === null ? held : running.add(held);
    if (running !== null) sum = sum === null ? running : sum.add(running);
  }
  return sum;
}
