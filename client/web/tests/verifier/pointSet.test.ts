// V13's memory: a set of encoded points that forgets none and invents none.
import { describe, expect, it } from 'vitest';
import { PointSet } from '../../src/verifier/pointSet.ts';

const point = (number: number): Uint8Array => {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
};

describe('a set of points', () => {
  it('holds what was added, once, and nothing else, also after it has grown', () => {
    const set = new PointSet();
    for (let round = 0; round < 2; round += 1) for (let i = 0; i < 5000; i += 1) set.add(point(2 * i));
    expect(set.size).toBe(5000);
    const wrong = Array.from({ length: 10_000 }, (_, i) => i).filter((i) => set.has(point(i)) !== (i % 2 === 0));
    expect(wrong).toEqual([]);
  });

  it('tells points apart that differ in their last byte only', () => {
    const set = new PointSet();
    set.add(point(1));
    expect([set.has(point(1)), set.has(point(0)), set.has(new Uint8Array(32))]).toEqual([true, false, false]);
  });

  it('keeps a copy: what is added may be overwritten', () => {
    const set = new PointSet();
    const own = point(7);
    set.add(own);
    own.fill(0);
    expect(set.has(point(7))).toBe(true);
  });
});
