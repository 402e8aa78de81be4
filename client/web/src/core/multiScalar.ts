// Sums of many products in variable time, for public data only.
import { pippenger } from '@noble/curves/abstract/curve.js';
import { ristretto255 } from '@noble/curves/ed25519.js';

type Point = InstanceType<typeof ristretto255.Point>;

/** Σ scalarᵢ·pointᵢ for reduced scalars. */
export function multiScalar(points: readonly Point[], scalars: readonly bigint[]): Point {
  return pippenger(ristretto255.Point, [...points], [...scalars]);
}
