// Leaders and the smallest numbers of wrong ballots, against searches that try every number one by one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorsFor, leaders, standing } from '../../src/results/margins.ts';
import type { ContestInfo } from '../../src/results/model.ts';

function contest(options: number, max = 1, score = 1): ContestInfo {
  const names = Array.from({ length: options }, (_, option) => ({ id: `o${option}`, title: `Option ${option}` }));
  return { id: 'c', title: 'Contest', options: names, limit: 'total', score, min: 0, max };
}

/** Moves one ballot after the other from whoever leads the others to `option`: the best anyone can do with one vote each. */
function movedByHand(online: readonly number[], paper: readonly number[], option: number): number {
  const votes = [...online];
  const total = (at: number): number => (votes[at] ?? 0) + (paper[at] ?? 0);
  const ahead = (): number[] => votes.flatMap((_, at) => (at !== option && total(at) >= total(option) ? [at] : []));
  let moved = 0;
  while (ahead().length > 0) {
    const from = ahead().reduce((best, at) => (total(at) > total(best) ? at : best));
    expect(votes[from]).toBeGreaterThan(0);
    votes[from] = (votes[from] ?? 0) - 1;
    votes[option] = (votes[option] ?? 0) + 1;
    moved += 1;
  }
  return moved;
}

describe('leaders', () => {
  test('all options with the highest number lead', () => {
    expect(leaders([3, 5, 5, 1])).toEqual([1, 2]);
    expect(leaders([])).toEqual([]);
  });
});

describe('standing', () => {
  test('a district reverses when the paper leader is not among the leaders of both', () => {
    const found = standing(contest(2), [384, 367], [207, 558]);
    expect(found.outcome).toBe('reverses');
    expect(found.toReverseBack).toEqual({ behind: 334, moved: 168, invalid: 335, exact: true });
  });

  test('an even gap and an odd gap both need one ballot more than half', () => {
    expect(standing(contest(2), [10, 0], [0, 14]).toReverseBack).toMatchObject({ behind: 4, moved: 3, invalid: 5 });
    expect(standing(contest(2), [10, 0], [0, 13]).toReverseBack).toMatchObject({ behind: 3, moved: 2, invalid: 4 });
  });

  test('several rivals ahead need enough ballots for all of them', () => {
    expect(standing(contest(3), [10, 0, 0], [0, 20, 20]).toReverseBack).toMatchObject({ moved: 8, invalid: 22 });
  });

  test('level numbers are called level, never a reversal', () => {
    expect(standing(contest(2), [5, 5], [1, 0]).outcome).toBe('level');
    expect(standing(contest(2), [6, 5], [0, 1]).outcome).toBe('level');
    expect(standing(contest(2), [6, 5], [0, 0]).outcome).toBe('same');
  });

  test('where another leads, the numbers are the smallest that put the paper leader in front, and can be reached', () => {
    const votes = fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { minLength: 2, maxLength: 6 });
    let reversing = 0;
    fc.assert(
      fc.property(votes, (pairs) => {
        const paper = pairs.map(([one]) => one);
        const online = pairs.map(([, other]) => other);
        const found = standing(contest(pairs.length), paper, online);
        if (found.outcome !== 'reverses') return;
        reversing += 1;
        const leader = found.paperLeaders[0] ?? -1;
        const combined = paper.map((count, option) => count + (online[option] ?? 0));
        expect(found.toReverseBack?.moved).toBe(movedByHand(online, paper, leader));
        const own = combined[leader] ?? 0;
        const struck = combined.map((count, option) => (option === leader ? 0 : Math.max(0, count - own + 1)));
        struck.forEach((count, option) => expect(count).toBeLessThanOrEqual(online[option] ?? 0));
        expect(found.toReverseBack?.invalid).toBe(struck.reduce((sum, count) => sum + count, 0));
      }),
      { numRuns: 400 },
    );
    expect(reversing).toBeGreaterThan(20);
  });
});

describe('errorsFor', () => {
  test('with several votes on a ballot the numbers are only a lower bound, and said to be', () => {
    expect(errorsFor(contest(3, 3, 3), [1, 13, 9], 0)).toEqual({ behind: 12, moved: 3, invalid: 8, exact: false });
    expect(errorsFor({ ...contest(2, 20, 10), limit: 'option' }, [0, 100], 0)).toMatchObject({ moved: 6, invalid: 11 });
  });

  test('an option that leads alone needs none', () => {
    expect(errorsFor(contest(2), [9, 8], 0)).toMatchObject({ behind: 0, moved: 0, invalid: 0 });
  });

  test('numbers beyond 2^32 stay exact', () => {
    const far = 2 ** 52;
    expect(errorsFor(contest(2), [1, far], 0)).toMatchObject({ behind: far - 1, moved: far / 2, invalid: far });
  });
});
