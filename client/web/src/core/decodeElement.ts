// Decoding an element of ristretto255 (RFC 9496, 4.3.1): most of what verifying a ballot costs.
//
// noble does the same; here the one long step, the power in a square root, comes from fieldPower.ts. It is only a hint:
// whether the number it leads to is a root, or shows that there is none, is decided by multiplying it out. A wrong hint
// shows neither, and then noble decodes. So an error there can cost time, never a right answer.
import { ed25519, ristretto255 } from '@noble/curves/ed25519.js';
import { leToBigint, type Bytes } from './bytes.ts';
import { powerForRoot } from './fieldPower.ts';

type Point = InstanceType<typeof ristretto255.Point>;

const P: bigint = ed25519.Point.Fp.ORDER;
const D: bigint = ed25519.Point.CURVE().d;
/** A square root of −1. */
const I: bigint = ed25519.Point.Fp.sqrt(P - 1n);

/** The element of a canonical encoding of 32 bytes, the identity's included; null for any other. */
export function decodeElement(raw: Bytes, power: (value: bigint) => bigint = powerForRoot): Point | null {
  const s = leToBigint(raw);
  if (s >= P || (s & 1n) === 1n) return null;
  const squared = (s * s) % P;
  const u1 = 1n - squared;
  const u2 = 1n + squared;
  const u2Squared = (u2 * u2) % P;
  const v = positive(-D * ((u1 * u1) % P) - u2Squared);
  const root = inverseRoot((v * u2Squared) % P, power);
  if (root === 'wrong hint') return decodedByNoble(raw);
  if (root === null) return null;
  const dx = (root * u2) % P;
  const dy = (((root * dx) % P) * v) % P;
  const product = positive(2n * s * dx);
  const x = (product & 1n) === 1n ? P - product : product;
  const y = positive(u1 * dy);
  if ((((x * y) % P) & 1n) === 1n || y === 0n) return null;
  return ristretto255.Point.fromAffine({ x, y });
}

/** One of the two numbers whose square is 1/x; null if there is none. `x` is in 0 … p−1. */
function inverseRoot(x: bigint, power: (value: bigint) => bigint): bigint | 'wrong hint' | null {
  if (x === 0n) return null;
  const cubed = (((x * x) % P) * x) % P;
  const root = positive(cubed * power((((cubed * cubed) % P) * x) % P));
  const product = (((x * root) % P) * root) % P;
  if (product === 1n) return root;
  if (product === P - 1n) return (root * I) % P;
  // ±i is no square, so that x, which is a square times it, is none either.
  return product === I || product === P - I ? null : 'wrong hint';
}

function positive(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function decodedByNoble(raw: Bytes): Point | null {
  try {
    return ristretto255.Point.fromBytes(raw);
  } catch {
    return null;
  }
}
