// Stages, axes and the server's turnout: small pure pieces of the public pages.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ticks } from '../../src/results/scale.ts';
import { stageOf } from '../../src/results/stage.ts';
import { parseTurnout, thinned } from '../../src/results/turnout.ts';

describe('stages', () => {
  const hours = { opens: 100, closes: 200 };
  test.each([
    ['setup', false, 50, 'setup'],
    ['setup', false, 100, 'late'],
    ['voting', false, 99, 'waiting'],
    ['voting', false, 100, 'open'],
    ['voting', false, 200, 'closed'],
    ['tally', false, 150, 'decrypting'],
    ['tally', true, 50, 'result'],
  ] as const)('in %s, result %s, at %i the election is %s', (phase, result, now, stage) => {
    expect(stageOf(phase, result, hours, now)).toBe(stage);
  });
});

describe('axes', () => {
  test('ticks are round, ascending, few, and cover the values', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 0 }), fc.integer({ min: 0, max: 1e6 }), (low, high) => {
        const marks = ticks(low, high, 4);
        expect(marks[0]).toBeLessThanOrEqual(low);
        expect(marks.at(-1)).toBeGreaterThanOrEqual(high);
        expect(marks).toContain(0);
        expect(marks.length).toBeLessThanOrEqual(7);
      }),
    );
  });
});

describe('turnout', () => {
  const point = (time: number, ballots: number) => ({ time, entries: ballots + 5, ballots });

  test('an answer of the server is read', () => {
    const answer = { interval: 60, points: [point(60, 0), point(120, 4)] };
    expect(parseTurnout(answer)).toEqual(answer);
  });

  test.each([
    [null],
    [{ interval: 0, points: [] }],
    [{ interval: 60, points: [point(60, 4), point(120, 3)] }],
    [{ interval: 60, points: [point(60, 4), point(60, 5)] }],
    [{ interval: 60, points: [{ time: 1, entries: 1, ballots: '<b>' }] }],
  ])('anything else shows nothing: %j', (answer) => {
    expect(parseTurnout(answer)).toBeNull();
  });

  test('a long election is thinned to the points that fit, the last among them', () => {
    const points = Array.from({ length: 1000 }, (_, place) => point(60 * place, place));
    const few = thinned(points, 48);
    expect(few).toHaveLength(48);
    expect(few.at(-1)).toEqual(points.at(-1));
    expect(few[0]).toEqual(points[0]);
  });
});
