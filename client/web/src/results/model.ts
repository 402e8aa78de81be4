// What the result pages need to know of a manifest (docs/spec 4.1): structural, so that a parsed one fits as it is. The
// numbers that they show are those of `src/board/counts.ts`. No DOM here, no cryptography.

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
