// Elements are decoded as noble decodes them, whatever the hint for the square root says.
import { ed25519, ristretto255 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { le, leToBigint, toHex, type Bytes } from '../../src/core/bytes.ts';
import { decodeElement } from '../../src/core/decodeElement.ts';
import { powerForRoot } from '../../src/core/fieldPower.ts';

const { Fp } = ed25519.Point;
const P = Fp.ORDER;

function byNoble(raw: Bytes): string | null {
  try {
    return toHex(ristretto255.Point.fromBytes(raw).toBytes());
  } catch {
    return null;
  }
}

const here = (raw: Bytes, power?: (value: bigint) => bigint): string | null => {
  const point = decodeElement(raw, power);
  return point === null ? null : toHex(point.toBytes());
};

const field = fc.bigInt({ min: 0n, max: P - 1n });
const EDGES = [0n, 1n, 2n, P - 1n, P - 2n, (P - 1n) / 2n, 2n ** 254n, 2n ** 128n, 2n ** 22n - 1n, Fp.sqrt(P - 1n)];

describe('the power for a root', () => {
  const expected = (value: bigint): bigint => Fp.pow(value, (P - 5n) / 8n);
  const found = (value: bigint): bigint => Fp.create(powerForRoot(value));

  it('is the power', () => {
    for (const value of EDGES) expect(found(value)).toBe(expected(value));
    fc.assert(fc.property(field, (value) => found(value) === expected(value)));
  });

  it('is so where every limb is as large as it can be', () => {
    const ones = Array.from({ length: 255 }, (_, bit) => (2n ** 255n - 1n - 2n ** BigInt(bit)) % P);
    const halves = Array.from({ length: 255 }, (_, bit) => (2n ** BigInt(bit) * 0xaaaaan) % P);
    for (const value of [...ones, ...halves]) expect(found(value)).toBe(expected(value));
  });
});

describe('an encoding', () => {
  it('is decoded, or refused, as by noble', () => {
    const any = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const even = field.map((value) => le(value - (value & 1n), 32));
    fc.assert(fc.property(any, (raw) => here(raw) === byNoble(raw)));
    fc.assert(
      fc.property(even, (raw) => here(raw) === byNoble(raw)),
      { numRuns: 500 },
    );
    for (const value of [...EDGES, P, P + 2n, 2n ** 255n - 1n, 2n ** 256n - 2n])
      expect(here(le(value, 32))).toBe(byNoble(le(value, 32)));
  });

  it('of every element leads back to it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 252n }), (scalar) => {
        const point = ristretto255.Point.BASE.multiply(scalar);
        expect(decodeElement(point.toBytes())?.equals(point)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is not decoded otherwise after a wrong hint', () => {
    const wrong = fc.constantFrom(
      () => 0n,
      () => 1n,
      (value: bigint) => value,
      (value: bigint) => powerForRoot(value) + 1n,
      (value: bigint) => -powerForRoot(value),
      (value: bigint) => powerForRoot(value) * Fp.sqrt(P - 1n),
    );
    const even = field.map((value) => le(value - (value & 1n), 32));
    fc.assert(
      fc.property(even, wrong, (raw, power) => here(raw, power) === byNoble(raw)),
      { numRuns: 300 },
    );
    const base = ristretto255.Point.BASE.toBytes();
    expect(leToBigint(base) > 0n && here(base, () => 7n)).toBe(toHex(base));
  });
});
