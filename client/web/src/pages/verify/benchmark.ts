// The speed that was measured for this page: how, when and on what stands in benchmarks/BROWSER.md, with all runs.

export const BENCHMARK = {
  /** Ballots a minute and core, from the form's button to the verdict: the median run, rounded down to hundreds. */
  rate: 7100,
  /** Options on a ballot, on average. */
  options: 11,
  machine: 'AMD EPYC, 2 cores, Chromium',
} as const;
