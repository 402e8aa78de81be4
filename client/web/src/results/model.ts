// What the result pages compute with: the parts of a manifest, the units of a result, paper counts (docs/spec 4.1, 4.5,
// 7.7). Structural, so that a parsed manifest or a verifier's report fits as it is. No DOM here, no cryptography.

export interface OptionInfo {
  readonly id: string;
  readonly title: string;
}

export interface ContestInfo {
  readonly id: string;
  readonly title: string;
  readonly options: readonly OptionInfo[];
  readonly limit: 'total' | 'option';
  readonly score: number;
  readonly min: number;
  readonly max: number;
}

export interface DistrictInfo {
  readonly id: string;
  readonly title: string;
}

export interface StyleInfo {
  readonly district: string;
  readonly contests: readonly string[];
}

export interface ElectionInfo {
  readonly title: string;
  readonly notice: string | null;
  readonly districts: readonly DistrictInfo[];
  readonly contests: readonly ContestInfo[];
  readonly styles: readonly StyleInfo[];
}

export type UnitState = 'reported' | 'empty' | 'withheld';

/** Counts of one contest by option; null where a verifier found no number within the bound. */
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

/** A district's paper votes by option, summed over its polling stations: the authority's figures, never verified. */
export interface PaperCount {
  readonly district: string;
  readonly contest: string;
  readonly votes: readonly number[];
  readonly invalid: number;
  readonly late: boolean;
}

/** The six numbers of 7.7, with the number of ballot entries where it is known. */
export interface Reconciliation {
  readonly credentials: number;
  readonly entries: number;
  readonly voted: number;
  readonly accepted: number;
  readonly superseded: number;
  readonly counted: number;
  readonly refused: number;
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
