// docs/spec 7.6: x from x·G within a bound, also for millions.
import { describe, expect, it } from 'vitest';
import { BASE, IDENTITY, multiply } from '../../src/core/group.ts';
import { discreteLogs } from '../../src/verifier/discreteLog.ts';

const times = (x: number) => (x === 0 ? IDENTITY : multiply(BASE, BigInt(x)));

describe('bounded discrete logarithms', () => {
  it('find every number from 0 to the bound', () => {
    const numbers = Array.from({ length: 41 }, (_, x) => x);
    expect(
      discreteLogs(
        numbers.map(times),
        numbers.map(() => 40),
      ),
    ).toEqual(numbers);
  });

  it('find nothing beyond the bound', () => {
    expect(discreteLogs([41, 40, 1, 0].map(times), [40, 40, 0, 0])).toEqual([null, 40, null, 0]);
  });

  it('find millions, and say so when there is no such number', () => {
    const bound = 3_000_000;
    const numbers = [bound, bound - 1, 1_234_567, 0, bound + 1];
    const found = discreteLogs(
      numbers.map(times),
      numbers.map(() => bound),
    );
    expect(found).toEqual([bound, bound - 1, 1_234_567, 0, null]);
  });

  it('find nothing for no counts', () => {
    expect(discreteLogs([], [])).toEqual([]);
  });
});
