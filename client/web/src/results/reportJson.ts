// A verifier's report as the JSON document that `retally verify --json` prints, member for member (docs/spec page 8).

import { CHECKS } from '../verifier/checks.ts';
import type { Report } from '../verifier/report.ts';

/** Plain JSON values; hashes in hex. */
export function reportDocument(report: Report): object {
  return {
    verdict: report.verdict,
    witnesses: report.witnesses,
    board: report.location,
    election: report.electionId,
    origin: report.origin,
    size: report.size,
    root: report.root,
    title: report.manifest?.title ?? null,
    notice: report.manifest?.notice ?? null,
    checks: CHECKS.map((check) => ({
      check,
      title: report.titles[check],
      state: report.states[check],
      notes: report.notes[check],
    })),
    outcome: outcomeOf(report),
  };
}

function outcomeOf(report: Report): object | null {
  if (report.units === null || report.reconciliation === null) return null;
  const { credentials, entries, voted, accepted, superseded, counted, refused } = report.reconciliation;
  return {
    units: report.units.map(({ districts, state, counted: ballots, contests }) => ({
      districts,
      state,
      counted: ballots,
      contests: contests.map(({ contest, counts }) => ({ contest, counts })),
    })),
    paper: report.papers.map(({ district, contest, votes, invalid, late }) => ({
      district,
      contest,
      votes,
      invalid,
      late,
    })),
    reconciliation: { credentials, entries, voted, accepted, superseded, counted, refused },
  };
}

/** The file a page saves. It says so where the native engine's code ruled on the proofs. */
export function reportJson(report: Report, accelerated = false): string {
  const document = accelerated ? { ...reportDocument(report), accelerated } : reportDocument(report);
  return JSON.stringify(document, null, 2) + '\n';
}
