// Powers in the field of 2^255 − 19 in floating point, several times as fast as with BigInt: a hint for square roots, which
// group.ts never takes on trust.
//
// A number is the exact sum of 12 limbs; limb i is a multiple of 2^⌈21.25·i⌉ and smaller than about 2^⌈21.25·(i+1)⌉, so
// that every product and every sum of products fits the 53 bits of a double (D. J. Bernstein, "Curve25519").

/** 2^⌈21.25·i⌉. */
const UNITS = Array.from({ length: 13 }, (_, limb) => 2 ** Math.ceil(21.25 * limb));
/** 2^255 is 19: what a product has beyond 2^255 comes back times this. */
const FOLD = 19 * 2 ** -255;
/** Adding and subtracting one of these rounds to a multiple of the limb's unit. */
const [, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12] = UNITS.map((unit) => 3 * 2 ** 51 * unit) as Thirteen;

type Thirteen = [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
type Limbs = Float64Array;

/** `times` squarings. */
function squared(from: Limbs, times: number): Limbs {
  let [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11] = from as unknown as Thirteen;
  for (let left = times; left > 0; left -= 1) {
    const d0 = 2 * a0;
    const d1 = 2 * a1;
    const d2 = 2 * a2;
    const d3 = 2 * a3;
    const d4 = 2 * a4;
    const d5 = 2 * a5;
    const d6 = 2 * a6;
    const d7 = 2 * a7;
    const d8 = 2 * a8;
    const d9 = 2 * a9;
    const d10 = 2 * a10;
    const f6 = FOLD * a6;
    const f7 = FOLD * a7;
    const f8 = FOLD * a8;
    const f9 = FOLD * a9;
    const f10 = FOLD * a10;
    const f11 = FOLD * a11;
    let h0 = a0 * a0 + d1 * f11 + d2 * f10 + d3 * f9 + d4 * f8 + d5 * f7 + a6 * f6;
    let h1 = d0 * a1 + d2 * f11 + d3 * f10 + d4 * f9 + d5 * f8 + d6 * f7;
    let h2 = d0 * a2 + a1 * a1 + d3 * f11 + d4 * f10 + d5 * f9 + d6 * f8 + a7 * f7;
    let h3 = d0 * a3 + d1 * a2 + d4 * f11 + d5 * f10 + d6 * f9 + d7 * f8;
    let h4 = d0 * a4 + d1 * a3 + a2 * a2 + d5 * f11 + d6 * f10 + d7 * f9 + a8 * f8;
    let h5 = d0 * a5 + d1 * a4 + d2 * a3 + d6 * f11 + d7 * f10 + d8 * f9;
    let h6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + d7 * f11 + d8 * f10 + a9 * f9;
    let h7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + d8 * f11 + d9 * f10;
    let h8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + d9 * f11 + a10 * f10;
    let h9 = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5 + d10 * f11;
    let h10 = d0 * a10 + d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5 + a11 * f11;
    let h11 = d0 * a11 + d1 * a10 + d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6;
    let carry: number;
    carry = h0 + C1 - C1;
    h0 -= carry;
    h1 += carry;
    carry = h6 + C7 - C7;
    h6 -= carry;
    h7 += carry;
    carry = h1 + C2 - C2;
    h1 -= carry;
    h2 += carry;
    carry = h7 + C8 - C8;
    h7 -= carry;
    h8 += carry;
    carry = h2 + C3 - C3;
    h2 -= carry;
    h3 += carry;
    carry = h8 + C9 - C9;
    h8 -= carry;
    h9 += carry;
    carry = h3 + C4 - C4;
    h3 -= carry;
    h4 += carry;
    carry = h9 + C10 - C10;
    h9 -= carry;
    h10 += carry;
    carry = h4 + C5 - C5;
    h4 -= carry;
    h5 += carry;
    carry = h10 + C11 - C11;
    h10 -= carry;
    h11 += carry;
    carry = h5 + C6 - C6;
    h5 -= carry;
    h6 += carry;
    carry = h11 + C12 - C12;
    h11 -= carry;
    h0 += FOLD * carry;
    carry = h6 + C7 - C7;
    h6 -= carry;
    h7 += carry;
    carry = h0 + C1 - C1;
    h0 -= carry;
    h1 += carry;
    a0 = h0;
    a1 = h1;
    a2 = h2;
    a3 = h3;
    a4 = h4;
    a5 = h5;
    a6 = h6;
    a7 = h7;
    a8 = h8;
    a9 = h9;
    a10 = h10;
    a11 = h11;
  }
  return Float64Array.of(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11);
}

function product(a: Limbs, b: Limbs): Limbs {
  const h = new Float64Array(12);
  for (let i = 0; i < 12; i += 1) {
    for (let j = 0; j < 12; j += 1) {
      const one = (a[i] as number) * (b[j] as number);
      if (i + j < 12) h[i + j] = (h[i + j] as number) + one;
      else h[i + j - 12] = (h[i + j - 12] as number) + FOLD * one;
    }
  }
  // Twice around: the last limb's carry comes back to the first.
  for (let at = 0; at < 24; at += 1) {
    const limb = at % 12;
    const rounding = 3 * 2 ** 51 * (UNITS[limb + 1] as number);
    const carry = (h[limb] as number) + rounding - rounding;
    h[limb] = (h[limb] as number) - carry;
    if (limb < 11) h[limb + 1] = (h[limb + 1] as number) + carry;
    else h[0] = (h[0] as number) + FOLD * carry;
  }
  return h;
}

function limbsOf(value: bigint): Limbs {
  const limbs = new Float64Array(12);
  for (let limb = 0, rest = value; limb < 12; limb += 1) {
    const bits = Math.ceil(21.25 * (limb + 1)) - Math.ceil(21.25 * limb);
    limbs[limb] = Number(rest & ((1n << BigInt(bits)) - 1n)) * (UNITS[limb] as number);
    rest >>= BigInt(bits);
  }
  return limbs;
}

/** value^((p − 5)/8), not yet reduced: some integer that is congruent to it. `value` is in 0 … p−1. */
export function powerForRoot(value: bigint): bigint {
  const x1 = limbsOf(value);
  const x2 = product(squared(x1, 1), x1);
  const x4 = product(squared(x2, 2), x2);
  const x5 = product(squared(x4, 1), x1);
  const x10 = product(squared(x5, 5), x5);
  const x20 = product(squared(x10, 10), x10);
  const x40 = product(squared(x20, 20), x20);
  const x80 = product(squared(x40, 40), x40);
  const x160 = product(squared(x80, 80), x80);
  const x240 = product(squared(x160, 80), x80);
  const x250 = product(squared(x240, 10), x10);
  const power = product(squared(x250, 2), x1);
  let sum = 0n;
  for (const limb of power) sum += BigInt(limb);
  return sum;
}
