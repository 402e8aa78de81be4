// V09 of a ballot: what its style decides about its lengths, and the encoding of its points and scalars (docs/spec 6.5,
// 8.1). The members of a ballot and their canonical form are `src/board/entries.ts`.
import { equal, type Bytes } from '../core/bytes.ts';
import { styleOf } from '../core/contests.ts';
import { readOr } from '../core/errors.ts';
import { sharedBallotShape } from '../core/relations.ts';
import type { Ballot } from '../board/entries.ts';
import type { Manifest } from '../board/manifest.ts';
import type { ProvenBallot } from './tasks.ts';
import { require, requirePoints, requireProof } from './v09Form.ts';

/** A ballot entry whose lengths fit its style. */
export interface WellFormedBallot extends ProvenBallot {
  readonly previous: Bytes;
}

/** The contests of a style, and the lengths that they give a ballot's blobs (6.5). */
interface StyleShape {
  readonly contests: readonly Manifest['contests'][number][];
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
  // The elements are G, K and C, and then A and B of every bit.
  const shape = { contests, header, bits: (elementCount - 3) / 2, equations: equations.length, scalars: scalarCount };
  known[style] = shape;
  return shape;
}

/** V09 of a ballot but for its points and scalars: this election, a known style, lengths that fit. Throws Malformed. */
export function v09BallotForm(
  { manifest, electionId }: { readonly manifest: Manifest; readonly electionId: Bytes },
  ballot: Ballot,
): WellFormedBallot {
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
export function wrongEncoding({ manifest }: { readonly manifest: Manifest }, ballot: ProvenBallot): string | null {
  const { bits, equations, scalars } = shapeOf(manifest, ballot.style);
  const read = (): null => {
    requirePoints(ballot.credential, 1);
    requirePoints(ballot.ciphertexts, 2 * bits);
    requireProof(ballot.proof, equations, scalars);
    return null;
  };
  return readOr(read, (reason) => reason);
}
