// Workers behind ports do the same work as the calling thread, and a worker that dies ends in no verdict.
import { describe, expect, it, vi } from 'vitest';
import { concat, toHex } from '../../src/core/bytes.ts';
import { BASE, IDENTITY, add, encodePoint, multiply, type Point } from '../../src/core/group.ts';
import { CallingThread, WorkerPool, serveTasks } from '../../src/verifier/pool.ts';
import type { ProofRuling, ProvenBallot } from '../../src/verifier/tasks.ts';
import { ProofTasks } from '../../src/verifier/v10BallotProofs.ts';
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

  it('of the calling thread are those of its slices, some of which may be the identity', async () => {
    const [point, opposite] = [encodePoint(BASE), encodePoint(IDENTITY.subtract(BASE))];
    const column = Array.from({ length: 600 }, (_, at) => (at % 2 === 0 ? point : opposite));
    expect(toHex(await new CallingThread().sumColumns([...column, point]))).toBe(toHex(point));
    expect(toHex(await new CallingThread().sumColumns(column))).toBe('00'.repeat(32));
  });

  it('may be the identity, which is zeros', async () => {
    const opposite = encodePoint(IDENTITY.subtract(BASE));
    const sums = await new CallingThread().sumColumns([encodePoint(BASE), opposite]);
    expect(sums.every((byte) => byte === 0)).toBe(true);
  });
});

describe('the calling thread', () => {
  it('takes so many ballots at once as take no longer than a page may be silent, at least one', async () => {
    const slices: number[] = [];
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    let milliseconds = 1;
    class Slow extends ProofTasks {
      override rule(ballots: readonly ProvenBallot[]): ProofRuling[] {
        slices.push(ballots.length);
        now += milliseconds * ballots.length;
        return ballots.map(() => null);
      }
    }
    const thread = new CallingThread(new Slow());
    const ballots = (count: number) => Array.from({ length: count }, () => ({}) as ProvenBallot);
    expect(await thread.rule(ballots(62))).toHaveLength(62);
    milliseconds = 100;
    await thread.rule(ballots(32));
    clock.mockRestore();
    expect(slices.slice(0, 5)).toEqual([2, 4, 8, 16, 30]);
    expect(slices.at(-1)).toBe(1);
    expect(slices.reduce((sum, one) => sum + one, 0)).toBe(94);
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
