// Online, paper and combined numbers of every unit and contest, side by side (docs/spec 7.2, 7.7). Paper stands beside
// online only where every district of the unit has a paper count, as `retally verify` does it.

import type { PaperCount, UnitCounts, UnitState } from '../board/counts.ts';
import type { ContestInfo, ElectionInfo } from './model.ts';
import { standing, type Standing } from './margins.ts';

/** One contest in one unit. Lists have one number per option of the contest. */
export interface ContestResult {
  readonly contest: ContestInfo;
  /** null: withheld, or not decrypted yet; null inside: no number found within the bound. */
  readonly online: readonly (number | null)[] | null;
  /** null: not every district of the unit has a paper count. */
  readonly paper: readonly number[] | null;
  readonly paperInvalid: number;
  /** Some paper count was entered after the online result was known. */
  readonly late: boolean;
  /** null: one of the two above is missing. */
  readonly combined: readonly (number | null)[] | null;
  readonly standing: Standing | null;
}

export interface UnitResult {
  /** Stable name for links: the ids of its districts. */
  readonly key: string;
  readonly districts: readonly { readonly id: string; readonly title: string }[];
  readonly title: string;
  readonly state: UnitState;
  readonly counted: number;
  readonly contests: readonly ContestResult[];
}

/** Every unit with all contests of its districts, also those that were withheld: their paper counts can be shown. */
export function unitResults(
  election: ElectionInfo,
  units: readonly UnitCounts[],
  papers: readonly PaperCount[],
): UnitResult[] {
  const titles = new Map(election.districts.map((district) => [district.id, district.title]));
  return units.map((unit) => {
    const districts = unit.districts.map((id) => ({ id, title: titles.get(id) ?? id }));
    return {
      key: unit.districts.join('+'),
      districts,
      title: districts.map((district) => district.title).join(' + '),
      state: unit.state,
      counted: unit.counted,
      contests: contestsOf(election, unit.districts[0]).map((contest) => contestResult(contest, unit, papers)),
    };
  });
}

/** All styles of a district name the same contests, and districts that merge have the same ones (4.1). */
function contestsOf(election: ElectionInfo, district: string | undefined): ContestInfo[] {
  const named = election.styles.find((style) => style.district === district)?.contests ?? [];
  return named.flatMap((id) => election.contests.find((contest) => contest.id === id) ?? []);
}

function contestResult(contest: ContestInfo, unit: UnitCounts, papers: readonly PaperCount[]): ContestResult {
  const online = unit.contests.find((one) => one.contest === contest.id)?.counts ?? null;
  const stacks = papers.filter((paper) => paper.contest === contest.id && unit.districts.includes(paper.district));
  const complete = stacks.length === unit.districts.length && stacks.length > 0;
  const paper = complete
    ? contest.options.map((_, option) => stacks.reduce((sum, stack) => sum + (stack.votes[option] ?? 0), 0))
    : null;
  const known = online?.every((count) => count !== null) ? online : null;
  return {
    contest,
    online,
    paper,
    paperInvalid: complete ? stacks.reduce((sum, stack) => sum + stack.invalid, 0) : 0,
    late: complete && stacks.some((stack) => stack.late),
    combined:
      online && paper ? online.map((count, option) => (count === null ? null : count + (paper[option] ?? 0))) : null,
    standing: known && paper ? standing(contest, paper, known) : null,
  };
}

/** What the summary says of one unit and contest. */
export interface SummaryRow {
  readonly unit: UnitResult;
  readonly result: ContestResult;
  readonly standing: Standing;
}

export interface Summary {
  /** Every unit and contest with paper and online counts, in order. */
  readonly compared: readonly SummaryRow[];
  readonly reversing: readonly SummaryRow[];
  readonly level: readonly SummaryRow[];
  readonly withheld: readonly UnitResult[];
  /** Units of several districts. */
  readonly merged: readonly UnitResult[];
  readonly late: boolean;
}

export function summarise(units: readonly UnitResult[]): Summary {
  const compared = units.flatMap((unit) =>
    unit.contests.flatMap((result) => (result.standing ? [{ unit, result, standing: result.standing }] : [])),
  );
  return {
    compared,
    reversing: compared.filter((row) => row.standing.outcome === 'reverses'),
    level: compared.filter((row) => row.standing.outcome === 'level'),
    withheld: units.filter((unit) => unit.state === 'withheld'),
    merged: units.filter((unit) => unit.districts.length > 1),
    late: units.some((unit) => unit.contests.some((result) => result.late)),
  };
}
