// Result files to take away: CSV for spreadsheets and JSON for programs, made in the page from what it shows
// (docs/spec 7.7). Both carry the election id and the notice, for they are results too (4.1).

import type { Reconciliation } from '../board/counts.ts';
import type { ElectionInfo } from './model.ts';
import type { UnitResult } from './units.ts';

/** Where the numbers come from; written into every file. */
export interface Origin {
  /** Lower-case hex. */
  readonly electionId: string;
  readonly board: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** 'published': read from the result entry. 'recomputed': by a verifier, from all entries. */
  readonly source: 'published' | 'recomputed';
}

const COLUMNS = [
  'districts',
  'district titles',
  'state',
  'online ballots counted',
  'contest',
  'contest title',
  'option',
  'option title',
  'online',
  'paper, not verified',
  'combined',
  'paper entered late',
  'numbers',
  'election',
  'notice',
] as const;

/** RFC 4180 with a byte order mark, so that spreadsheets read it as UTF-8; one line per unit, contest and option. */
export function resultsCsv(election: ElectionInfo, units: readonly UnitResult[], origin: Origin): string {
  const lines: (readonly (string | number)[])[] = [COLUMNS];
  for (const unit of units) {
    for (const result of unit.contests) {
      result.contest.options.forEach((option, place) => {
        lines.push([
          unit.districts.map((district) => district.id).join(' '),
          unit.title,
          unit.state,
          unit.counted,
          result.contest.id,
          result.contest.title,
          option.id,
          option.title,
          result.online?.[place] ?? '',
          result.paper?.[place] ?? '',
          result.combined?.[place] ?? '',
          result.late ? 'yes' : 'no',
          origin.source,
          origin.electionId,
          election.notice ?? '',
        ]);
      });
    }
  }
  return '\uFEFF' + lines.map((line) => line.map(cell).join(',') + '\r\n').join('');
}

/** A text that a spreadsheet would take for a formula is kept a text by an apostrophe. */
function cell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/u.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The same as one JSON document. */
export function resultsJson(
  election: ElectionInfo,
  units: readonly UnitResult[],
  reconciliation: Partial<Reconciliation> | null,
  origin: Origin,
): string {
  const document = {
    format: 'retally-results/v1',
    numbers: origin.source,
    election: origin.electionId,
    title: election.title,
    notice: election.notice,
    board: origin.board,
    size: origin.size,
    root: origin.root,
    units: units.map((unit) => ({
      districts: unit.districts.map((district) => district.id),
      state: unit.state,
      counted: unit.counted,
      contests: unit.contests.map((result) => ({
        contest: result.contest.id,
        options: result.contest.options.map((option) => option.id),
        online: result.online,
        paper_not_verified: result.paper,
        paper_invalid: result.paper ? result.paperInvalid : null,
        paper_late: result.late,
        combined: result.combined,
        outcome: result.standing?.outcome ?? null,
        to_reverse_back: result.standing?.toReverseBack ?? null,
      })),
    })),
    reconciliation,
  };
  return JSON.stringify(document, null, 2) + '\n';
}
