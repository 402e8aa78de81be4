// What tests of agreement compare of a report, as JSON.
import type { Report } from '../src/verifier/report.ts';

export const COULD_NOT_RUN = 3;

export function findingsOf(report: Report): object {
  const { exitCode, verdict, verdictLine, states, notes, counts, reconciliation, papers } = report;
  const { size, root, ballots, seconds } = report;
  return {
    ...{ exitCode, verdict, verdictLine, states, notes, counts, reconciliation, papers },
    ...{ size, root, ballots, seconds },
  };
}
