// V10: every ballot's proof, in batches (docs/spec 2.5, 6.5, 8.1); with it the encodings of V09, which the same pass over
// the points finds. Also the sums of points that V08 and V14 need. All of it depends on nothing but its arguments, so it
// can be done in any thread.
import type { Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { IDENTITY, add, decodePoint, encodePoint, type Point } from '../core/group.ts';
import { ballotRelation, ballotTag } from '../core/relations.ts';
import { verifyBatch } from '../core/sigma.ts';
import type { Election, ProofRuling, ProvenBallot } from './tasks.ts';
import { shapeOf, wrongEncoding } from './v09BallotForm.ts';

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
    // Until it is known to be right a ballot is wrong.
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
