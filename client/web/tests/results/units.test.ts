// Units, summary and the files made from them.

import { describe, expect, test } from 'vitest';
import { resultsCsv, resultsJson, type Origin } from '../../src/results/exports.ts';
import { sumStations, type PaperCount, type UnitCounts } from '../../src/board/counts.ts';
import type { ElectionInfo } from '../../src/results/model.ts';
import { summarise, unitResults } from '../../src/results/units.ts';

const mayor = {
  id: 'mayor',
  title: 'Mayor, "the first"',
  options: [
    { id: 'a', title: '=cmd' },
    { id: 'b', title: 'Бета' },
  ],
  limit: 'total',
  score: 1,
  min: 0,
  max: 1,
} as const;
const election: ElectionInfo = {
  title: 'Trial',
  notice: 'synthetic re-enactment of published totals',
  districts: ['north', 'south', 'east', 'west'].map((id) => ({ id, title: `District ${id}` })),
  contests: [mayor],
  styles: ['north', 'south', 'east', 'west'].map((district) => ({ district, contests: ['mayor'] })),
};
const units: UnitCounts[] = [
  { districts: ['north', 'east'], state: 'reported', counted: 30, contests: [{ contest: 'mayor', counts: [5, 25] }] },
  { districts: ['south'], state: 'withheld', counted: 1, contests: [] },
  { districts: ['west'], state: 'reported', counted: 4, contests: [{ contest: 'mayor', counts: [null, 1] }] },
];
const paper = (district: string, votes: number[], late = false): PaperCount => ({
  ...{ district, contest: 'mayor', votes, invalid: 2, late },
});
const origin: Origin = {
  electionId: 'ab'.repeat(32),
  board: '/elections/trial',
  size: 9,
  root: '',
  source: 'published',
};

describe('units', () => {
  test('paper stands beside online only where every district of the unit has it', () => {
    const [merged] = unitResults(election, units, [paper('north', [20, 3])]);
    expect(merged?.contests[0]).toMatchObject({ online: [5, 25], paper: null, combined: null, standing: null });
  });

  test('a merged unit adds the paper of its districts', () => {
    const papers = [paper('north', [20, 3]), paper('east', [1, 1], true)];
    const [merged] = unitResults(election, units, papers);
    expect(merged?.title).toBe('District north + District east');
    expect(merged?.contests[0]).toMatchObject({ paper: [21, 4], combined: [26, 29], paperInvalid: 4, late: true });
    expect(merged?.contests[0]?.standing?.outcome).toBe('reverses');
  });

  test('a withheld unit keeps its paper, and gets no combined number', () => {
    const south = unitResults(election, units, [paper('south', [7, 9])])[1];
    expect(south?.contests[0]).toMatchObject({ online: null, paper: [7, 9], combined: null, standing: null });
  });

  test('a count that was not found leaves no leader', () => {
    const west = unitResults(election, units, [paper('west', [7, 9])])[2];
    expect(west?.contests[0]).toMatchObject({ combined: [null, 10], standing: null });
  });

  test('the summary names what reverses, what is withheld and what was merged', () => {
    const papers = [paper('north', [20, 3]), paper('east', [1, 1]), paper('south', [1, 2]), paper('west', [1, 2])];
    const summary = summarise(unitResults(election, units, papers));
    expect(summary.compared).toHaveLength(1);
    expect(summary.reversing.map((row) => row.unit.key)).toEqual(['north+east']);
    expect(summary.withheld.map((unit) => unit.key)).toEqual(['south']);
    expect(summary.merged.map((unit) => unit.key)).toEqual(['north+east']);
    expect(summary.late).toBe(false);
  });

  test('stations of one paper count are added up', () => {
    const stations = [
      { invalid: 1, votes: [1, 2] },
      { invalid: 3, votes: [10, 20] },
    ];
    expect(sumStations({ district: 'north', contest: 'mayor', late: false }, stations)).toEqual({
      ...{ district: 'north', contest: 'mayor', votes: [11, 22], invalid: 4, late: false },
    });
  });
});

describe('files', () => {
  const results = unitResults(election, units, [paper('north', [20, 3]), paper('east', [1, 1])]);

  test('a CSV has a line for every option, quotes what needs it and lets no title become a formula', () => {
    const lines = resultsCsv(election, results, origin).split('\r\n');
    expect(lines).toHaveLength(1 + 3 * 2 + 1);
    expect(lines[0]?.startsWith('\uFEFFdistricts,')).toBe(true);
    expect(lines[1]).toContain(`,"Mayor, ""the first""",a,'=cmd,5,21,26,no,published,${origin.electionId},synthetic`);
    expect(lines[3]).toContain(',,,,no,');
  });

  test('a JSON file carries the notice, the election and where the numbers are from', () => {
    const document: unknown = JSON.parse(resultsJson(election, results, null, origin));
    expect(document).toMatchObject({ notice: election.notice, election: origin.electionId, numbers: 'published' });
  });
});
