// What is in force on a board after some of its entries: the memory that the checks read and change (docs/spec page 8).
// Nothing here decides. Of ballots only the last of each chain is kept: it is the one that counts (7.1).
import type { Bytes } from '../core/bytes.ts';
import type { Point } from '../core/group.ts';
import type { Manifest } from '../board/manifest.ts';
import type { EntryOf } from '../board/entries.ts';
import type { Finding } from './checks.ts';
import { PointSet } from './pointSet.ts';
import type { Combination, Counting } from './tally.ts';

/** `previous` of a credential's first ballot. */
export const NO_BALLOT: Bytes = new Uint8Array(32);

/** A credential that was ever on the roll. */
export interface Credential {
  readonly credential: Bytes;
  /** Index in the manifest's styles. */
  readonly style: number;
  active: boolean;
  accepted: number;
  /** H(body) and ciphertexts of its last accepted ballot. */
  previous: Bytes;
  ciphertexts: Bytes | null;
}

export interface CeremonyState {
  /** Leaf hashes of the entries that a confirmation confirms (5.4). */
  readonly transcript: Bytes[];
  /** F_0..F_k−1 by guardian. */
  readonly commitments: Map<number, readonly Point[]>;
  readonly shares: Set<number>;
  /** "accuser>accused". */
  readonly complaints: Set<string>;
  readonly answers: Set<string>;
  readonly confirmations: Set<number>;
  /** How many accuse a guardian, and what V06 found once k do: then the ceremony is void. */
  readonly accusers: Map<number, number>;
  readonly void: Finding[];
}

/** SHA-256 over a roll that comes in chunks; a copy is hashed on, so that a false chunk costs only its own length. */
export interface RollHasher {
  readonly clone: () => RollHasher;
  readonly update: (bytes: Bytes) => unknown;
  readonly digest: () => Bytes;
}

/** What one registrar revealed so far. */
export interface Revealed {
  readonly credentials: number;
  readonly commitment: Bytes;
  hasher: RollHasher;
  readonly parts: Bytes[];
  readonly styles: number[];
}

export interface RollState {
  readonly registrars: Map<number, Revealed>;
  /** By credential in hex, in roll order, replacements last; empty until the roll is complete. */
  readonly credentials: Map<string, Credential>;
  complete: boolean;
  active: number;
  revocations: number;
  replacements: number;
}

export interface BallotState {
  /** Entries of kind ballot before the closing, well formed or not (8.3). */
  entries: number;
  accepted: number;
  /** Ballots whose proofs were looked at; for progress only. */
  proved: number;
  readonly points: PointSet;
}

export interface TallyState {
  readonly papers: Map<string, EntryOf<'paper-count'>>;
  /** M_1..M_m of every valid partial decryption, by guardian. */
  readonly partials: Map<number, readonly Point[]>;
  /** How many partial decryptions got as far as V16. */
  lookedAtV16: number;
  combination: Combination | null;
  result: EntryOf<'result'> | null;
  /** The board's roots by size, from the closing on. */
  readonly roots: Map<number, Bytes>;
}

/** The opening in force: voting has begun. */
export interface Opening {
  readonly index: number;
  /** Encoding of K. */
  readonly jointKey: Bytes;
}

/** The closing in force: what is counted is fixed. */
export interface Closing {
  readonly index: number;
  readonly counting: Counting;
}

export interface ElectionState {
  readonly manifest: Manifest;
  readonly electionId: Bytes;
  /** The index of the entry at hand. */
  index: number;
  opening: Opening | null;
  closing: Closing | null;
  readonly ceremony: CeremonyState;
  readonly roll: RollState;
  readonly ballots: BallotState;
  readonly tally: TallyState;
  readonly refusals: Finding[];
}

export type BoardPhase = 'setup' | 'voting' | 'tally';

export function phaseOf(state: ElectionState): BoardPhase {
  return state.opening === null ? 'setup' : state.closing === null ? 'voting' : 'tally';
}

/** The state after entry 0, whose leaf hash begins the ceremony's transcript. */
export function beginElection(manifest: Manifest, electionId: Bytes, manifestLeaf: Bytes): ElectionState {
  return {
    manifest,
    electionId,
    index: 1,
    opening: null,
    closing: null,
    ceremony: {
      transcript: [manifestLeaf],
      commitments: new Map(),
      shares: new Set(),
      complaints: new Set(),
      answers: new Set(),
      confirmations: new Set(),
      accusers: new Map(),
      void: [],
    },
    roll: {
      registrars: new Map(),
      credentials: new Map(),
      complete: false,
      active: 0,
      revocations: 0,
      replacements: 0,
    },
    ballots: { entries: 0, accepted: 0, proved: 0, points: new PointSet() },
    tally: {
      papers: new Map(),
      partials: new Map(),
      lookedAtV16: 0,
      combination: null,
      result: null,
      roots: new Map(),
    },
    refusals: [],
  };
}
