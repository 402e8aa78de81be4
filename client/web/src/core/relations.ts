// The relations that Retally proves and the tags their proofs are bound to (docs/spec 2.3, 2.4, 6.5).
import { concat, le, toHex, type Bytes } from './bytes.ts';
import { Malformed } from './errors.ts';
import { contestBits, contestWeights, type ContestLimits } from './contests.ts';
import { decodePoint, POINT_LENGTH, RISTRETTO255, type Point } from './group.ts';
import {
  compileRelation,
  decodeAll,
  relationOf,
  type Equation,
  type LinearRelation,
  type RelationShape,
} from './linearRelation.ts';

export type Relation = LinearRelation<Point>;

const SUITE = 'sigma-proofs_Shake128_Ristretto255';

const tagOf = (relation: string, ...context: readonly Bytes[]): string =>
  `RETALLY-V01-${relation}-${toHex(concat(...context))}-DSFS-with-${SUITE}`;

export const ballotTag = (electionId: Bytes, bodyHash: Bytes): string => tagOf('Ballot', electionId, bodyHash);

/** Guardian i, counted from 1. */
export const guardianCommitmentTag = (electionId: Bytes, guardian: number): string =>
  tagOf('GuardianCommitment', electionId, le(guardian, 4));

/** Guardian i, counted from 1, and the checkpoint it answers to. */
export const partialDecryptionTag = (electionId: Bytes, guardian: number, size: number, root: Bytes): string =>
  tagOf('PartialDecryption', electionId, le(guardian, 4), le(size, 8), root);

/** Registrar r, counted from 1, and the credential that is replaced. */
export const credentialPartTag = (electionId: Bytes, registrar: number, replaced: Bytes): string =>
  tagOf('CredentialPart', electionId, le(registrar, 4), replaced);

/** Σ coefficient·element over `image` = Σ coefficient·scalar·element; a coefficient left out is 1. */
function equation(
  image: readonly (readonly [element: number, coefficient?: bigint])[],
  terms: readonly (readonly [scalar: number, element: number, coefficient?: bigint])[],
): Equation {
  return {
    image: image.map(([element, coefficient = 1n]) => ({ element, coefficient })),
    terms: terms.map(([scalar, element, coefficient = 1n]) => ({ scalar, element, coefficient })),
  };
}

/** F_j = a_j·G. */
export function guardianCommitment(commitments: readonly Point[]): Relation {
  const equations = commitments.map((_, j) => equation([[j + 1]], [[j, 0]]));
  return relationOf(compileRelation(RISTRETTO255, equations), commitments);
}

/** S = s·G and M_j = s·A_j. The elements are S, A_1, M_1, A_2, … */
export function partialDecryption(
  publicShare: Point,
  aggregates: readonly Point[],
  decrypted: readonly Point[],
): Relation {
  if (aggregates.length !== decrypted.length)
    throw new RangeError(`${aggregates.length} aggregates, ${decrypted.length} points`);
  const equations = [equation([[1]], [[0, 0]]), ...decrypted.map((_, j) => equation([[2 * j + 3]], [[0, 2 * j + 2]]))];
  const elements = [publicShare, ...aggregates.flatMap((aggregate, j) => [aggregate, decrypted[j] as Point])];
  return relationOf(compileRelation(RISTRETTO255, equations), elements);
}

/** P = c·G. */
export function credentialPart(part: Point): Relation {
  return relationOf(compileRelation(RISTRETTO255, [equation([[1]], [[0, 0]])]), [part]);
}

/** Elements of a ballot: G, K, C, then A_1, B_1, … Scalars: c, then b_1, r_1, s_1, … */
export const BALLOT = {
  generator: 0,
  jointKey: 1,
  credential: 2,
  a: (bit: number): number => 3 + 2 * bit,
  b: (bit: number): number => 4 + 2 * bit,
} as const;

/** 6.5 for the contests of a style, in their order. Compiling is worth keeping: all ballots of a style share it. */
export function ballotShape(contests: readonly ContestLimits[]): RelationShape<Point> {
  const { generator: G, jointKey: K, credential: C, a, b } = BALLOT;
  const bit = (i: number): number => 1 + 3 * i;
  const r = (i: number): number => 2 + 3 * i;
  const s = (i: number): number => 3 + 3 * i;
  const every = contests.map(contestWeights);
  const all = Array.from({ length: every.reduce((sum, { length }) => sum + length, 0) }, (_, i) => i);
  const equations = [
    equation([[C]], [[0, G]]),
    ...all.map((i) => equation([[a(i)]], [[r(i), G]])),
    ...all.map((i) => equation([[b(i)]], [[bit(i), G], [r(i), K]])), // prettier-ignore
    ...all.map((i) => equation([[a(i)]], [[bit(i), a(i)], [s(i), G]])), // prettier-ignore
    ...all.map((i) => equation([[b(i)]], [[bit(i), b(i)], [s(i), K]])), // prettier-ignore
  ];
  let first = 0;
  contests.forEach((contest, at) => {
    const own = (every[at] as number[]).map((weight, place) => ({ i: first + place, weight: BigInt(weight) }));
    first += own.length;
    if (contest.limit !== 'total') return;
    const image = own.map(({ i, weight }) => [b(i), weight] as const);
    const terms = own.map(({ i, weight }) => [r(i), K, weight] as const);
    equations.push(equation([...image, [G, -BigInt(contest.max)]], terms));
  });
  return compileRelation(RISTRETTO255, equations);
}

const shapes = new Map<string, RelationShape<Point>>();

/** `ballotShape`, compiled once for contests alike. */
export function sharedBallotShape(contests: readonly ContestLimits[]): RelationShape<Point> {
  const name = contests
    .map((contest) => {
      const { optionWeights, slackWeights } = contestBits(contest);
      const limit = contest.limit === 'total' ? contest.max : 'option';
      return `${contest.options.length}*${optionWeights.join(',')}+${slackWeights.join(',')}=${limit}`;
    })
    .join(';');
  const known = shapes.get(name);
  if (known !== undefined) return known;
  const shape = ballotShape(contests);
  shapes.set(name, shape);
  return shape;
}

/** The instance of a ballot; Malformed for a bad encoding or a wrong number of ciphertexts. `ciphertexts` is A_1‖B_1‖… */
export function ballotRelation(
  jointKey: { readonly point: Point; readonly encoding: Bytes },
  credential: Bytes,
  ciphertexts: Bytes,
  contests: readonly ContestLimits[],
): Relation {
  const shape = sharedBallotShape(contests);
  if (ciphertexts.length !== POINT_LENGTH * (shape.elementCount - 3)) {
    throw new Malformed(`ciphertexts of ${ciphertexts.length} bytes`);
  }
  const elements = [
    shape.group.generator,
    jointKey.point,
    decodePoint(credential),
    ...decodeAll(RISTRETTO255, ciphertexts),
  ];
  return { shape, elements, encodings: concat(jointKey.encoding, credential, ciphertexts) };
}
