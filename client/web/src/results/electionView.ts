// What a public page shows of an election, read from the board with every shown entry's inclusion and signature checked
// (docs/spec 3, 4). It counts nothing: the numbers of the result entry are published numbers until somebody verifies.

import { toHex, type Bytes } from '../core/bytes.ts';
import { openCheckpoint } from '../board/checkpoint.ts';
import { electionId, parseManifestEntry, type Manifest } from '../board/manifest.ts';
import { parseEntry, type OfficialEntry } from '../board/entries.ts';
import { policyFromManifest, type TrustPolicy } from '../board/policy.ts';
import type { BoardSource } from '../board/source.ts';
import { CheckedBoard, WrongBoard } from './checkedBoard.ts';
import { sumStations, type PaperCount, type Reconciliation, type UnitCounts } from './model.ts';

export interface Cosigner {
  readonly name: string;
  /** POSIX seconds; null: has not cosigned this checkpoint. */
  readonly time: number | null;
}
