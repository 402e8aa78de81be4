// What whoever follows a board and whoever does the heavy arithmetic for it say to each other (docs/spec 2.5, 7.3, 8.1):
// plain data, which a worker can be sent.
import type { Bytes } from '../core/bytes.ts';
import type { Manifest } from '../board/manifest.ts';

/** What every ballot's proof is about. */
export interface Election {
  readonly electionId: Bytes;
  readonly jointKey: Bytes;
  readonly manifest: Manifest;
}

/** A ballot whose lengths fit its style, as far as its proof needs it. */
export interface ProvenBallot {
  /** Index in the manifest's styles. */
  readonly style: number;
  readonly credential: Bytes;
  readonly bodyHash: Bytes;
  readonly ciphertexts: Bytes;
  readonly proof: Bytes;
}

/** The check that a ballot's encodings (V09) or its proof (V10) fail, and why; null where both are right. */
export type ProofRuling = { readonly check: 'V09' | 'V10'; readonly reason: string } | null;

/** For a worker. The points of `sums` lie row by row. */
export type Task =
  | { readonly type: 'election'; readonly election: Election }
  | { readonly type: 'proofs'; readonly styles: readonly number[]; readonly packed: Bytes }
  | { readonly type: 'sums'; readonly columns: number; readonly packed: Bytes };

export type Answer =
  { readonly proofs: readonly ProofRuling[] } | { readonly sums: Bytes } | { readonly error: string };

/**
 * A rule that needs sums of many points on its way. It yields rows of points of equal length and is sent the sum of every
 * column, identity as zeros; so the rule itself waits for nobody, and whoever drives it may have the sums made anywhere.
 */
export type Summing = Generator<readonly Bytes[], void, Bytes>;
