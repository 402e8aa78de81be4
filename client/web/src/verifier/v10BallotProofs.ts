// V10: every ballot's proof, in batches (docs/spec 2.5, 6.5, 8.1); with it the encodings of V09, which the same pass over
// the points finds. Also the sums of points that V08 and V14 need. All of it depends on nothing but its arguments, so it
// can be done in any thread.
import { equal, type Bytes } from '../core/bytes.ts';
import { styleOf } from '../core/contests.ts';
import { Malformed } from '../core/errors.ts';
import { IDENTITY, add, decodePoint, encodePoint, type Point } from '../core/group.ts';
import { ballotRelation, ballotTag, sharedBallotShape } from '../core/relations.ts';
import { verifyBatch } from '../core/sigma.ts';
import type { Ballot } from '../board/entries.ts';
import type { Manifest } from '../board/manifest.ts';
import type { Check } from './checks.ts';
import type { ElectionState } from './state.ts';
import { require, requirePoints, requireProof } from './v09Form.ts';
import type { BallotAtHand } from './v11V12V13Ballots.ts';

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

/** The check that refuses a ballot and why; null if none does. */
export type ProofRuling = { readonly check: Check; readonly reason: string } | null;

type Contests = readonly Manifest['contests'][number][];

/** The contests of a style, and the lengths that they give a ballot's blobs (6.5). */
interface StyleShape {
  readonly contests: Contests;
  /** The serialised relation without its elements. */
  readonly header: Bytes;
  readonly bits: number;
  readonly equations: number;
  readonly scalars: number;
}

const shapes = new WeakMap<Manifest, StyleShape[]>();

export function shapeOf(manifest: Manifest, style: number): StyleShape {
  const known = shapes.get(manifest) ?? [];
  shapes.set(manifest, known);
  const made = known[style];
  if (made !== undefined) return made;
  const contests = styleOf(manifest, manifest.styles[style]?.id ?? '')?.contests ?? [];
  const { header, elementCount, equations, scalarCount } = sharedBallotShape(contests);
  const shape = { contests, header, bits: (elementCount - 3) / 2, equations: equations.length, scalars: scalarCount };
  known[style] = shape;
  return shape;
}

/** V09 of a ballot but for its points and scalars: this election, a known style, lengths that fit. Throws Malformed. */
export function v09BallotForm(state: ElectionState, ballot: Ballot): BallotAtHand {
  const { manifest, electionId } = state;
  require(equal(ballot.election, electionId), 'a ballot of another election');
  const style = manifest.styles.findIndex(({ id }) => id === ballot.style);
  require(style >= 0, 'a ballot of an unknown style');
  const { bits, equations, scalars } = shapeOf(manifest, style);
  const { credential, previous, ciphertexts, proof, bodyHash } = ballot;
  require(ciphertexts.length === 64 * bits, `${ciphertexts.length} bytes of ciphertexts instead of ${64 * bits}`);
  const length = 32 * (equations + scalars);
  require(proof.length === length, `${proof.length} bytes of proof instead of ${length}`);
  return { style, credential, previous, ciphertexts, proof, bodyHash };
}

/** Why a ballot's points or scalars are not well encoded; null if they are. */
export function wrongEncoding(state: { readonly manifest: Manifest }, ballot: ProvenBallot): string | null {
  const { bits, equations, scalars } = shapeOf(state.manifest, ballot.style);
  try {
    requirePoints(ballot.credential, 1);
    requirePoints(ballot.ciphertexts, 2 * bits);
    requireProof(ballot.proof, equations, scalars);
    return null;
  } catch (error) {
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}

/** The heavy work, for whichever thread does it. */
export class ProofTasks {
  #election: (Election & { readonly key: { readonly point: Point; readonly encoding: Bytes } }) | null = null;

  begin(election: Election): void {
    const key = { point: decodePoint(election.jointKey), encoding: election.jointKey };
    this.#election = { ...election, key };
  }

  /** One ruling for each ballot: V09 for an encoding, V10 for a proof, null where both are right. */
  rule(ballots: readonly ProvenBallot[]): ProofRuling[] {
    const election = this.#election;
    if (election === null) throw new Error('proofs before the election is known');
    const { manifest, electionId, key } = election;
    const rulings: ProofRuling[] = ballots.map(() => ({ check: 'V10', reason: 'the proof was not looked at' }));
    const claims: { readonly at: number; readonly claim: Parameters<typeof verifyBatch<Point>>[0][number] }[] = [];
    ballots.forEach(({ style, credential, ciphertexts, bodyHash, proof }, at) => {
      try {
        const relation = ballotRelation(key, credential, ciphertexts, shapeOf(manifest, style).contests);
        claims.push({ at, claim: { tag: ballotTag(electionId, bodyHash), relation, proof } });
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        rulings[at] = { check: 'V09', reason: error.message };
      }
    });
    const failed = new Set(verifyBatch(claims.map(({ claim }) => claim)));
    claims.forEach(({ at }, position) => {
      rulings[at] = failed.has(position) ? malformedOrFalse(election, ballots[at] as ProvenBallot) : null;
    });
    return rulings;
  }

  /** Ballots from the one buffer in which they travel between threads. */
  unpack(styles: readonly number[], packed: Bytes): ProvenBallot[] {
    const manifest = this.#election?.manifest;
    if (manifest === undefined) throw new Error('proofs before the election is known');
    let at = 0;
    const next = (length: number): Bytes => packed.subarray(at, (at += length));
    return styles.map((style) => {
      const { bits, equations, scalars } = shapeOf(manifest, style);
      const [credential, bodyHash] = [next(32), next(32)];
      return { style, credential, bodyHash, ciphertexts: next(64 * bits), proof: next(32 * (equations + scalars)) };
    });
  }

  /** Column sums of well-encoded points, row by row in `packed`. */
  sums(packed: Bytes, columns: number): Bytes {
    const sums = new Uint8Array(32 * columns);
    const rows = columns === 0 ? 0 : packed.length / (32 * columns);
    for (let column = 0; column < columns; column += 1) {
      let sum = IDENTITY;
      for (let row = 0; row < rows; row += 1) {
        const at = 32 * (row * columns + column);
        sum = add(sum, decodePoint(packed.subarray(at, at + 32)));
      }
      sums.set(encodePoint(sum), 32 * column);
    }
    return sums;
  }
}

function malformedOrFalse(election: Election, ballot: ProvenBallot): ProofRuling {
  const encoding = wrongEncoding(election, ballot);
  return encoding === null ? { check: 'V10', reason: 'the proof does not verify' } : { check: 'V09', reason: encoding };
}
