// docs/spec 7.2: which districts are reported together.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { formUnits, smallestReported } from '../../src/verifier/units.ts';

const manifest = (smallest: number, merges: Record<string, string | null>) => ({
  smallest_unit: smallest,
  districts: Object.entries(merges).map(([id, merge]) => ({ id, merge })),
});

describe('units', () => {
  it('never report one ballot alone, whatever the manifest says', () => {
    expect(smallestReported(manifest(0, {}))).toBe(2);
    const units = formUnits(manifest(0, { a: null, b: null }), new Map([['a', 1]]));
    expect(units.map(({ state }) => state)).toEqual(['withheld', 'empty']);
  });

  it('join a small district with the one that it names, in the order of the manifest', () => {
    const units = formUnits(
      manifest(3, { a: null, b: 'a', c: null }),
      new Map([
        ['a', 3],
        ['b', 1],
        ['c', 5],
      ]),
    );
    expect(units).toEqual([
      { districts: ['a', 'b'], state: 'reported', counted: 4 },
      { districts: ['c'], state: 'reported', counted: 5 },
    ]);
  });

  it('join chains and circles of small districts into one', () => {
    const counted = new Map(['a', 'b', 'c', 'd'].map((id) => [id, 1]));
    const [unit, ...others] = formUnits(manifest(5, { a: 'b', b: 'c', c: 'd', d: 'a' }), counted);
    expect(others).toEqual([]);
    expect(unit).toEqual({ districts: ['a', 'b', 'c', 'd'], state: 'withheld', counted: 4 });
  });

  it('leave an empty district alone, for there is nothing to hide', () => {
    const units = formUnits(manifest(3, { a: null, b: 'a' }), new Map([['a', 3]]));
    expect(units.map(({ state }) => state)).toEqual(['reported', 'empty']);
  });

  it('hold every district once and every ballot once, and report none that is too small', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    fc.assert(
      fc.property(
        fc.nat(6),
        fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }),
        fc.array(fc.option(fc.nat(5)), { minLength: 6, maxLength: 6 }),
        (smallest, counts, merges) => {
          const merge = Object.fromEntries(
            ids.map((id, at) => [id, merges[at] === null || merges[at] === at ? null : (ids[merges[at] ?? 0] ?? null)]),
          );
          const units = formUnits(manifest(smallest, merge), new Map(ids.map((id, at) => [id, counts[at] ?? 0])));
          expect(units.flatMap(({ districts }) => districts).sort()).toEqual(ids);
          expect(units.reduce((sum, { counted }) => sum + counted, 0)).toBe(counts.reduce((a, b) => a + b, 0));
          for (const { state, counted } of units) {
            if (state === 'reported') expect(counted).toBeGreaterThanOrEqual(Math.max(2, smallest));
          }
        },
      ),
    );
  });
});
