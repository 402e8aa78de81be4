// Workers behind ports do the same work as the calling thread, and a worker that dies ends in no verdict.
import { describe, expect, it } from 'vitest';
import { concat, toHex } from '../../src/core/bytes.ts';
import { BASE, IDENTITY, add, encodePoint, multiply, type Point } from '../../src/core/group.ts';
import { CallingThread, WorkerPool, serveTasks } from '../../src/verifier/pool.ts';
import { channel } from './channels.ts';

function workers(count: number): { pool: WorkerPool; die: (reason: Error) => void } {
  const made = Array.from({ length: count }, channel);
  made.forEach(({ far }) => serveTasks(far));
  return { pool: new WorkerPool(made.map(({ near }) => near)), die: (reason) => made[0]?.die(reason) };
}

const rowsOf = (rows: number, columns: number): { points: Point[][]; encoded: Uint8Array[] } => {
  const points = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_none, column) => multiply(BASE, BigInt(1 + row * columns + column))),
  );
  return { points, encoded: points.map((row) => concat(...row.map(encodePoint))) };
};

describe('sums of columns', () => {
  it('are the same from workers and from the calling thread', async () => {
    const { points, encoded } = rowsOf(7, 5);
    const expected = Array.from({ length: 5 }, (_, column) =>
      toHex(encodePoint(points.reduce((sum, row) => add(sum, row[column] as Point), IDENTITY))),
    ).join('');
    for (const pool of [new CallingThread(), workers(1).pool, workers(3).pool]) {
      expect(toHex(await pool.sumColumns(encoded))).toBe(expected);
    }
  });

  it('leave the rows as they were: what a worker takes is a copy', async () => {
    const { encoded } = rowsOf(2, 2);
    const before = encoded.map(toHex);
    await workers(2).pool.sumColumns(encoded);
    expect(encoded.map(toHex)).toEqual(before);
  });

  it('may be the identity, which is zeros', async () => {
    const opposite = encodePoint(IDENTITY.subtract(BASE));
    const sums = await new CallingThread().sumColumns([encodePoint(BASE), opposite]);
    expect(sums.every((byte) => byte === 0)).toBe(true);
  });
});

describe('a worker that dies', () => {
  it('fails what was asked and all that is asked later', async () => {
    const { pool, die } = workers(1);
    const asked = pool.sumColumns(rowsOf(2, 2).encoded);
    die(new Error('out of memory'));
    await expect(asked).rejects.toThrow('out of memory');
    await expect(pool.sumColumns(rowsOf(2, 2).encoded)).rejects.toThrow('out of memory');
  });

  it('that meets a point it cannot read says so', async () => {
    const { pool } = workers(1);
    await expect(pool.sumColumns([new Uint8Array(32).fill(255)])).rejects.toThrow('a worker failed');
  });
});
