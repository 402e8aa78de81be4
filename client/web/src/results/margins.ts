// Who leads, and how many online ballots would have to be wrong for another to lead: exact integer arithmetic on the
// totals of one contest in one unit (docs/spec 7.7). It says what follows from the numbers and nothing else.

import type { ContestInfo } from './model.ts';

/** The options with the highest number, in order; several when they are level, none when there is no option. */
export function leaders(counts: readonly number[]): number[] {
  const highest = Math.max(...counts);
  return counts.flatMap((count, option) => (count === highest ? [option] : []));
}

export type Outcome = 'same' | 'reverses' | 'level';

/** How the order at the top changes from paper to combined. */
export interface Standing {
  /** 'reverses': one option alone leads on paper and is not among the leaders of paper and online together. */
  readonly outcome: Outcome;
  readonly paperLeaders: readonly number[];
  readonly combinedLeaders: readonly number[];
  /** Only where it reverses. */
  readonly toReverseBack: Errors | null;
}

/** The smallest numbers of online ballots that would have to be wrong for the paper leader to lead alone. */
export interface Errors {
  /** Votes by which the paper leader is behind. */
  readonly behind: number;
  /** Ballots counted for other options that were meant for the paper leader. */
  readonly moved: number;
  /** Ballots that should not have been counted at all. */
  readonly invalid: number;
  /** True when a ballot gives one vote to one option: then the numbers are enough. Otherwise fewer are never enough. */
  readonly exact: boolean;
}

/** Compares paper with paper + online for one contest. Both lists have one number per option. */
export function standing(contest: ContestInfo, paper: readonly number[], online: readonly number[]): Standing {
  const combined = paper.map((votes, option) => votes + (online[option] ?? 0));
  const paperLeaders = leaders(paper);
  const combinedLeaders = leaders(combined);
  const alone = paperLeaders.length === 1 ? paperLeaders[0] : undefined;
  if (alone === undefined) return { outcome: 'level', paperLeaders, combinedLeaders, toReverseBack: null };
  if (!combinedLeaders.includes(alone)) {
    return { outcome: 'reverses', paperLeaders, combinedLeaders, toReverseBack: errorsFor(contest, combined, alone) };
  }
  const outcome = combinedLeaders.length === 1 ? 'same' : 'level';
  return { outcome, paperLeaders, combinedLeaders, toReverseBack: null };
}

/**
 * The smallest numbers of wrong ballots for `option` to lead alone; all zero if it does.
 *
 * One ballot changes an option's total by at most r = min(score, max), and all its options together by at most `max`.
 * So m moved ballots give `option` at most m·r more, take at most m·r from each other and at most m·max from all; d
 * invalid ones only take. With r = max = 1 these bounds are reached: the votes to move or strike out are there, because
 * without any online ballot `option` leads on paper.
 */
export function errorsFor(contest: ContestInfo, combined: readonly number[], option: number): Errors {
  const own = BigInt(combined[option] ?? 0);
  const others = combined.filter((_, other) => other !== option).map(BigInt);
  const all = BigInt(contest.max);
  const one = all < BigInt(contest.score) ? all : BigInt(contest.score);
  const enough = (ballots: bigint, gain: bigint): boolean => {
    const needed = others.map((total) => total - (own + ballots * gain) + 1n).filter((excess) => excess > 0n);
    const sum = needed.reduce((total, excess) => total + excess, 0n);
    return sum <= ballots * all && needed.every((excess) => excess <= ballots * one);
  };
  const highest = others.reduce((top, total) => (total > top ? total : top), 0n);
  const limit = others.reduce((sum, total) => (total >= own ? sum + total - own + 1n : sum), 0n);
  return {
    behind: highest > own ? Number(highest - own) : 0,
    moved: smallest(limit, (ballots) => enough(ballots, one)),
    invalid: smallest(limit, (ballots) => enough(ballots, 0n)),
    exact: contest.limit === 'total' && contest.max === 1,
  };
}

/** The smallest number in 0..limit that is enough, where every larger one is too and `limit` is. */
function smallest(limit: bigint, enough: (ballots: bigint) => boolean): number {
  let low = 0n;
  let high = limit;
  while (low < high) {
    const middle = (low + high) / 2n;
    if (enough(middle)) high = middle;
    else low = middle + 1n;
  }
  return Number(low);
}

/** By how much `option` leads the best other one; negative if it is behind. 0 where there is no other. */
export function lead(counts: readonly number[], option: number): number {
  const others = counts.filter((_, other) => other !== option);
  return others.length ? (counts[option] ?? 0) - Math.max(...others) : 0;
}
