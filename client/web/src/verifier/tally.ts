// What the closing fixes and what the guardians' partial decryptions make of it (docs/spec 7.3 to 7.6), as values.
import type { Bytes } from '../core/bytes.ts';
import type { Point } from '../core/group.ts';
import type { UnitCounts } from '../board/counts.ts';
import type { Unit } from './units.ts';

/** The encrypted count of one option in one reported unit, and the largest number it can be. */
export interface Aggregate {
  /** Place of the unit. */
  readonly unit: number;
  readonly contest: string;
  readonly option: number;
  readonly a: Point;
  readonly b: Point;
  /** 7.5: where A is the identity nothing is decrypted. */
  readonly listed: boolean;
  readonly bound: number;
}

/** What the closing fixes. */
export interface Counting {
  readonly units: readonly Unit[];
  readonly aggregates: readonly Aggregate[];
  readonly digest: Bytes;
  readonly counted: number;
}

/** The aggregates decrypted: the digest of the points, the counts, and which of them were not found. */
export interface Combination {
  readonly digest: Bytes;
  readonly units: readonly UnitCounts[];
  readonly notFound: readonly string[];
}
