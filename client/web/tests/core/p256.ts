// P-256 as a second group under the proofs: the drafts' published vectors are for it.
import { p256 } from '@noble/curves/nist.js';
import { be, leToBigint, type Bytes } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import type { Group } from '../../src/core/linearRelation.ts';

type Element = InstanceType<typeof p256.Point>;

const { BASE, ZERO, Fn } = p256.Point;

const multiply = (element: Element, scalar: bigint): Element =>
  scalar % Fn.ORDER === 0n ? ZERO : element.multiplyUnsafe(((scalar % Fn.ORDER) + Fn.ORDER) % Fn.ORDER);

export const P256: Group<Element> = {
  order: Fn.ORDER,
  generator: BASE,
  identity: ZERO,
  elementLength: 33,
  scalarLength: 32,
  decode(raw: Bytes): Element {
    try {
      if (raw.length === 33) return p256.Point.fromBytes(raw);
    } catch {
      // Told below.
    }
    throw new Malformed('not a compressed point');
  },
  encode: (element) => element.toBytes(true),
  decodeScalar(raw: Bytes): bigint {
    const scalar = leToBigint(raw.slice().reverse());
    if (raw.length !== 32 || scalar >= Fn.ORDER) throw new Malformed('not a scalar');
    return scalar;
  },
  encodeScalar: (scalar) => be(scalar, 32),
  randomScalar: () => leToBigint(crypto.getRandomValues(new Uint8Array(48))) % Fn.ORDER,
  add: (a, b) => a.add(b),
  multiply,
  msm: (elements, scalars) =>
    elements.reduce((sum, element, at) => sum.add(multiply(element, scalars[at] as bigint)), ZERO),
  equal: (a, b) => a.equals(b),
};
