// Sigma proofs of linear relations in their batchable form (draft-irtf-cfrg-sigma-protocols-03, docs/spec 2.2, 2.5).
//
// A verifier never throws for what an adversary wrote. A prover never hands out a proof that it did not verify itself.
import { randomBytes } from '@noble/hashes/utils.js';
import { concat, leToBigint, utf8, type Bytes } from './bytes.ts';
import { Malformed, readOr } from './errors.ts';
import { deriveChallenge } from './fiatShamir.ts';
import { collect, decodeAll, isSound, type LinearRelation, type Row } from './linearRelation.ts';

const WEIGHT_LENGTH = 16;
/** What a browser gives of its generator at once. */
const LARGEST_DRAW = 65_536;

/** A proof and what it is about. */
export interface Claim<Element> {
  readonly tag: string;
  readonly relation: LinearRelation<Element>;
  readonly proof: Bytes;
}

/** A claim that was read and not yet verified: an acceptable instance, every encoding good. */
export interface Transcript<Element> {
  readonly relation: LinearRelation<Element>;
  readonly commitment: readonly Element[];
  readonly challenge: bigint;
  readonly response: readonly bigint[];
}

export interface ProveOptions {
  /** Only for vectors: left out, nonces come from the operating system, as they must. */
  readonly nonces?: readonly bigint[];
  /** For elements the prover made itself: what they are over others. With it every product is one by a fixed base. */
  readonly known?: ReadonlyMap<number, Row>;
  /** Equations committed to so far, and of how many. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** ProveBatchable: commitment ‖ response. RangeError if the witness does not satisfy the relation, or nothing could. */
export function prove<Element>(
  tag: string,
  relation: LinearRelation<Element>,
  witness: readonly bigint[],
  options: ProveOptions = {},
): Bytes {
  const { group, scalarCount, equations } = relation.shape;
  if (!isSound(relation)) throw new RangeError('the instance cannot be proved');
  if (witness.length !== scalarCount)
    throw new RangeError(`${witness.length} scalars, the relation has ${scalarCount}`);
  const nonces = options.nonces ?? witness.map(() => group.randomScalar());
  if (nonces.length !== scalarCount) throw new RangeError(`${nonces.length} nonces for ${scalarCount} scalars`);
  const commitment = equations.map(({ terms }, at) => {
    const row = terms.map((term) => ({
      element: term.element,
      coefficient: term.coefficient * (nonces[term.scalar] as bigint),
    }));
    const sum = combine(relation, expand(row, options.known), group.order);
    if (group.equal(sum, group.identity)) throw new RangeError('nonces whose commitment is the identity');
    options.onProgress?.(at + 1, equations.length);
    return sum;
  });
  const encoded = concat(...commitment.map((element) => group.encode(element)));
  const challenge = challengeOf(tag, relation, encoded);
  const response = nonces.map((nonce, at) => (nonce + (witness[at] as bigint) * challenge) % group.order);
  if (!accept([{ relation, commitment, challenge, response }])) {
    throw new RangeError('the witness does not satisfy the relation');
  }
  return concat(encoded, ...response.map((scalar) => group.encodeScalar(scalar)));
}

/** The row with every known element replaced by what it is. */
function expand(row: Row, known: ReadonlyMap<number, Row> | undefined): Row {
  if (known === undefined) return row;
  return row.flatMap((term) => {
    const combination = known.get(term.element);
    if (combination === undefined) return [term];
    return combination.map(({ element, coefficient }) => ({ element, coefficient: term.coefficient * coefficient }));
  });
}

/** A row's sum with secret coefficients: every element that the row names costs one product, whatever its coefficient. */
function combine<Element>({ shape, elements }: LinearRelation<Element>, row: Row, order: bigint): Element {
  const sums = new Map<number, bigint>();
  for (const { element, coefficient } of row) sums.set(element, (sums.get(element) ?? 0n) + coefficient);
  let total = shape.group.identity;
  for (const [element, sum] of sums) {
    total = shape.group.add(total, shape.group.multiply(elements[element] as Element, sum % order));
  }
  return total;
}

function challengeOf<Element>(tag: string, { shape, encodings }: LinearRelation<Element>, commitment: Bytes): bigint {
  return deriveChallenge(utf8(tag), [shape.header, encodings], commitment, shape.group.order);
}

/** Step 2 of VerifyBatchable: a proof of the right length with every encoding good, or Malformed. */
export function readProof<Element>({ tag, relation, proof }: Claim<Element>): Transcript<Element> {
  const { group, equations, proofLength } = relation.shape;
  if (proof.length !== proofLength) throw new Malformed(`a proof of ${proof.length} bytes instead of ${proofLength}`);
  const encoded = proof.subarray(0, group.elementLength * equations.length);
  const response: bigint[] = [];
  for (let at = encoded.length; at < proof.length; at += group.scalarLength) {
    response.push(group.decodeScalar(proof.subarray(at, at + group.scalarLength)));
  }
  const commitment = decodeAll(group, encoded);
  return { relation, commitment, challenge: challengeOf(tag, relation, encoded), response };
}

/** The transcript of a claim about an acceptable instance, or null. */
function readClaim<Element>(claim: Claim<Element>): Transcript<Element> | null {
  return isSound(claim.relation)
    ? readOr(
        () => readProof(claim),
        () => null,
      )
    : null;
}

/** VerifyBatchable. */
export function verify<Element>(tag: string, relation: LinearRelation<Element>, proof: Bytes): boolean {
  return verifyBatch([{ tag, relation, proof }]).length === 0;
}

/** The positions of the claims that fail, ascending. All relations are over one group. */
export function verifyBatch<Element>(claims: readonly Claim<Element>[]): number[] {
  return verifyTranscripts(claims.map(readClaim));
}

/** The positions of the transcripts that fail, ascending; null is one that could not be read. */
export function verifyTranscripts<Element>(transcripts: readonly (Transcript<Element> | null)[]): number[] {
  const readable: { readonly at: number; readonly transcript: Transcript<Element> }[] = [];
  const failed = new Set<number>();
  transcripts.forEach((transcript, at) => {
    if (transcript === null) failed.add(at);
    else readable.push({ at, transcript });
  });
  const list = readable.map(({ transcript }) => transcript);
  for (const place of culprits(list, false)) failed.add((readable[place] as { at: number }).at);
  return [...failed].sort((a, b) => a - b);
}

/** Halves that pass as a batch are cleared; what is left alone is verified by itself, with no chance in it. */
function culprits<Element>(transcripts: readonly Transcript<Element>[], knownToFail: boolean): number[] {
  if (transcripts.length === 0 || (!knownToFail && accept(transcripts))) return [];
  if (transcripts.length === 1) return satisfies(transcripts[0] as Transcript<Element>) ? [] : [0];
  const middle = transcripts.length >> 1;
  const first = culprits(transcripts.slice(0, middle), false);
  const second = culprits(transcripts.slice(middle), first.length === 0);
  return [...first, ...second.map((place) => middle + place)];
}

/** Verifier, equation by equation: map(response) = commitment + challenge·image. */
function satisfies<Element>({ relation, commitment, challenge, response }: Transcript<Element>): boolean {
  const { group, equations } = relation.shape;
  return equations.every(({ image, terms }, at) => {
    const left = terms.map(({ scalar, element, coefficient }) => ({
      element,
      coefficient: coefficient * (response[scalar] as bigint),
    }));
    const right = image.map(({ element, coefficient }) => ({ element, coefficient: -challenge * coefficient }));
    const row = collect([...left, ...right], group.order);
    const sum = group.msm(
      row.map(({ element }) => relation.elements[element] as Element),
      row.map(({ coefficient }) => coefficient),
    );
    return group.equal(sum, commitment[at] as Element);
  });
}

/**
 * Whether the sum of all verification equations, each with its own random weight of 128 bits drawn here, holds: false
 * if any fails, but for a chance of 2^-128. An element that many instances share is multiplied once.
 */
function accept<Element>(transcripts: readonly Transcript<Element>[]): boolean {
  const { group } = (transcripts[0] as Transcript<Element>).relation.shape;
  const weights = drawWeights(transcripts.reduce((sum, { commitment }) => sum + commitment.length, 0));
  const points: Element[] = [];
  const scalars: bigint[] = [];
  const shared = new Map<Element, bigint>();
  let next = 0;
  for (const { relation, commitment, challenge, response } of transcripts) {
    const sums: bigint[] = new Array<bigint>(relation.elements.length).fill(0n);
    relation.shape.equations.forEach(({ image, terms }, at) => {
      const weight = weights[next] as bigint;
      next += 1;
      points.push(commitment[at] as Element);
      scalars.push(weight);
      const challenged = weight * challenge;
      for (const { element, coefficient } of image) {
        sums[element] = (sums[element] as bigint) + (coefficient === 1n ? challenged : challenged * coefficient);
      }
      // Most coefficients are 1: the products of large integers are what this loop costs.
      for (const { scalar, element, coefficient } of terms) {
        const answered = weight * (response[scalar] as bigint);
        sums[element] = (sums[element] as bigint) - (coefficient === 1n ? answered : answered * coefficient);
      }
    });
    // By identity: G and K are the same objects in every instance, decoded points never are.
    relation.elements.forEach((element, at) => {
      shared.set(element, (shared.get(element) ?? 0n) + (sums[at] as bigint));
    });
  }
  // Reduced once an element, not once a term: the sums are only a little longer for it.
  for (const [element, sum] of shared) {
    points.push(element);
    scalars.push(((sum % group.order) + group.order) % group.order);
  }
  return group.equal(group.msm(points, scalars), group.identity);
}

function drawWeights(count: number): bigint[] {
  const raw: Bytes[] = [];
  for (let left = count * WEIGHT_LENGTH; left > 0; left -= LARGEST_DRAW)
    raw.push(randomBytes(Math.min(left, LARGEST_DRAW)));
  const drawn = concat(...raw);
  const weights: bigint[] = [];
  for (let at = 0; at < drawn.length; at += WEIGHT_LENGTH)
    weights.push(leToBigint(drawn.subarray(at, at + WEIGHT_LENGTH)));
  return weights;
}
