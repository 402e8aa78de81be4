// The numbers of a result, as the board publishes them and as whoever recomputes them finds them (docs/spec 4.5, 7.2, 7.7).

export type UnitState = 'reported' | 'empty' | 'withheld';

/** Counts of one contest by option; null where a verifier found no number within the bound (V18). */
export interface ContestCounts {
  readonly contest: string;
  readonly counts: readonly (number | null)[];
}

/** One unit of 7.2: districts counted together. `contests` is empty where nothing was decrypted. */
export interface UnitCounts {
  readonly districts: readonly string[];
  readonly state: UnitState;
  readonly counted: number;
  readonly contests: readonly ContestCounts[];
}

/** The six numbers of 7.7 with the number of ballot entries; from the board, never from the result. */
export interface Reconciliation {
  readonly credentials: number;
  readonly entries: number;
  readonly voted: number;
  readonly accepted: number;
  readonly superseded: number;
  readonly counted: number;
  readonly refused: number;
}

/** A district's paper votes by option, summed over its polling stations: the authority's figures, never verified. */
export interface PaperCount {
  readonly district: string;
  readonly contest: string;
  readonly votes: readonly number[];
  readonly invalid: number;
  /** Entered after the online result was known. */
  readonly late: boolean;
}

export interface Station {
  readonly invalid: number;
  readonly votes: readonly number[];
}

/** The sums over the polling stations of one paper-count entry (4.5). */
export function sumStations(
  entry: { readonly district: string; readonly contest: string; readonly late: boolean },
  stations: readonly Station[],
): PaperCount {
  const votes = (stations[0]?.votes ?? []).map((_, option) =>
    stations.reduce((sum, station) => sum + (station.votes[option] ?? 0), 0),
  );
  const invalid = stations.reduce((sum, station) => sum + station.invalid, 0);
  return { district: entry.district, contest: entry.contest, votes, invalid, late: entry.late };
}
