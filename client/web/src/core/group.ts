// The group of docs/spec 2.1: ristretto255 (RFC 9496) on @noble/curves, its scalars modulo ℓ and their encodings.
//
// JavaScript's BigInt is not constant time, and neither is anything here: noble's `multiply` takes the same steps for
// every scalar, but each step's time depends on the numbers. Who can measure a voter's device that finely is on it.
import { ristretto255 } from '@noble/curves/ed25519.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { le, leToBigint, type Bytes } from './bytes.ts';
import { decodeElement } from './decodeElement.ts';
import { Malformed } from './errors.ts';
import type { Group } from './linearRelation.ts';
import { multiScalar } from './multiScalar.ts';

/** An element of the group; compare with `pointEqual` only. */
export type Point = InstanceType<typeof ristretto255.Point>;

export const POINT_LENGTH = 32;
export const SCALAR_LENGTH = 32;

/** ℓ, the number of elements. */
export const ORDER: bigint = ristretto255.Point.Fn.ORDER;
export const BASE: Point = ristretto255.Point.BASE;
export const IDENTITY: Point = ristretto255.Point.ZERO;

/** The element of a canonical encoding other than the identity's. */
export function decodePoint(raw: Bytes): Point {
  if (raw.length !== POINT_LENGTH) throw new Malformed(`a point of ${raw.length} bytes`);
  const point = decodeElement(raw);
  if (point === null) throw new Malformed('a point that is not canonically encoded');
  if (raw.every((byte) => byte === 0)) throw new Malformed('the identity where a point is demanded');
  return point;
}

export const encodePoint = (point: Point): Bytes => point.toBytes();

export const add = (a: Point, b: Point): Point => a.add(b);

export const subtract = (a: Point, b: Point): Point => a.subtract(b);

/** The product with a scalar that may be secret; any integer is reduced modulo ℓ. */
export function multiply(point: Point, scalar: bigint): Point {
  const reduced = modOrder(scalar);
  // noble refuses zero; multiplying by another number then costs the time that any other scalar costs.
  const product = point.multiply(reduced === 0n ? 1n : reduced);
  return reduced === 0n ? IDENTITY : product;
}

/** The product of the generator, by its table. */
export const multiplyBase = (scalar: bigint): Point => multiply(BASE, scalar);

/** Σ scalarᵢ·pointᵢ in variable time: public data only. */
export function msm(points: readonly Point[], scalars: readonly bigint[]): Point {
  if (points.length !== scalars.length) throw new RangeError(`${points.length} points, ${scalars.length} scalars`);
  return multiScalar(points, scalars.map(modOrder));
}

export const pointEqual = (a: Point, b: Point): boolean => a.equals(b);

export const isIdentity = (point: Point): boolean => point.equals(IDENTITY);

/** An integer's remainder in 0 … ℓ−1. */
export function modOrder(value: bigint): bigint {
  const rest = value % ORDER;
  return rest < 0n ? rest + ORDER : rest;
}

/** The scalar of a canonical encoding, zero included. */
export function decodeScalar(raw: Bytes): bigint {
  if (raw.length !== SCALAR_LENGTH) throw new Malformed(`a scalar of ${raw.length} bytes`);
  const scalar = leToBigint(raw);
  if (scalar >= ORDER) throw new Malformed('a scalar that is not reduced');
  return scalar;
}

export const encodeScalar = (scalar: bigint): Bytes => le(scalar, SCALAR_LENGTH);

/** Bytes to a scalar, little-endian modulo ℓ. */
export const wideScalar = (raw: Bytes): bigint => leToBigint(raw) % ORDER;

/** A uniform scalar from the operating system. */
export const randomScalar = (): bigint => wideScalar(randomBytes(64));

/** What the proofs of docs/spec 2.2 need of the group. */
export const RISTRETTO255: Group<Point> = {
  order: ORDER,
  generator: BASE,
  identity: IDENTITY,
  elementLength: POINT_LENGTH,
  scalarLength: SCALAR_LENGTH,
  decode: decodePoint,
  encode: encodePoint,
  decodeScalar,
  encodeScalar,
  randomScalar,
  add,
  multiply,
  msm,
  equal: pointEqual,
};
