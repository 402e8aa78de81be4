// The proofs of docs/spec/vectors/proofs.json: made again byte for byte, verified, and their mutants refused.
import { describe, expect, test } from 'vitest';
import { concat, fromHex, leToBigint, toHex, utf8 } from '../../src/core/bytes.ts';
import { decodePoint, encodeScalar, RISTRETTO255, type Point } from '../../src/core/group.ts';
import { Malformed } from '../../src/core/errors.ts';
import { deriveChallenge, deriveSessionId } from '../../src/core/fiatShamir.ts';
import type { LinearRelation } from '../../src/core/linearRelation.ts';
import { credentialPart, guardianCommitment, partialDecryption } from '../../src/core/relations.ts';
import { prove, verify, verifyBatch } from '../../src/core/sigma.ts';
import { parseRelation } from './relationHeader.ts';
import { ownVectors } from './vectors.ts';

interface Statement {
  name: string;
  tag: string;
  header: string;
  elements: string[];
  proof: string;
}

interface ProofVector extends Statement {
  session_id: string;
  witness: string[];
  prover_nonces: string[];
  commitment: string[];
  challenge: string;
  response: string[];
}

const vectors = ownVectors('proofs.json') as { proofs: ProofVector[]; refused: Statement[] };

const scalars = (list: string[]): bigint[] => list.map((scalar) => leToBigint(fromHex(scalar)));

const relationOf = ({ header, elements }: Statement): LinearRelation<Point> =>
  parseRelation(RISTRETTO255, concat(fromHex(header), ...elements.map(fromHex)));

const claims = vectors.proofs.map((vector) => ({
  tag: vector.tag,
  relation: relationOf(vector),
  proof: fromHex(vector.proof),
}));

/** The same instance from the functions that Retally uses, where they do not need a whole ballot. */
function declared({ name, elements }: Statement): LinearRelation<Point> | null {
  const points = elements.map((element) => decodePoint(fromHex(element)));
  if (name.startsWith('GuardianCommitment')) return guardianCommitment(points);
  if (name === 'CredentialPart') return credentialPart(points[0] as Point);
  if (!name.startsWith('PartialDecryption')) return null;
  const rest = points.slice(1);
  const at = (parity: number): Point[] => rest.filter((_, place) => place % 2 === parity);
  return partialDecryption(points[0] as Point, at(0), at(1));
}

describe.each(vectors.proofs)('$name', (vector) => {
  const relation = relationOf(vector);

  test('has this session id, instance and challenge', () => {
    expect(toHex(deriveSessionId(utf8(vector.tag)))).toBe(vector.session_id);
    expect(toHex(relation.shape.header)).toBe(vector.header);
    const own = declared(vector);
    if (own !== null)
      expect(toHex(concat(own.shape.header, own.encodings))).toBe(vector.header + vector.elements.join(''));
    const commitment = fromHex(vector.commitment.join(''));
    const parts = [relation.shape.header, relation.encodings];
    const challenge = deriveChallenge(utf8(vector.tag), parts, commitment, RISTRETTO255.order);
    expect(toHex(encodeScalar(challenge))).toBe(vector.challenge);
  });

  test('is made again byte for byte from its nonces', () => {
    const proof = prove(vector.tag, relation, scalars(vector.witness), { nonces: scalars(vector.prover_nonces) });
    expect(toHex(proof)).toBe(vector.proof);
    expect(vector.proof).toBe([...vector.commitment, ...vector.response].join(''));
  });

  test('verifies, and so does one with fresh nonces', () => {
    expect(verify(vector.tag, relation, fromHex(vector.proof))).toBe(true);
    const fresh = prove(vector.tag, relation, scalars(vector.witness));
    expect(toHex(fresh)).not.toBe(vector.proof);
    expect(verify(vector.tag, relation, fresh)).toBe(true);
  });

  test('is not made by one who does not have the witness', () => {
    const [first, ...rest] = scalars(vector.witness);
    expect(() => prove(vector.tag, relation, [(first as bigint) + 1n, ...rest])).toThrow('witness');
  });
});

describe('a batch', () => {
  test('of nothing is accepted', () => {
    expect(verifyBatch([])).toEqual([]);
  });

  test('of different relations is accepted', () => {
    expect(verifyBatch(claims)).toEqual([]);
  });

  test('names the only culprit wherever it stands, and all of them', () => {
    const proof = (claims[0] as (typeof claims)[number]).proof.slice();
    proof[40] = (proof[40] as number) ^ 1;
    const bad = { ...(claims[0] as (typeof claims)[number]), proof };
    for (let at = 0; at <= claims.length; at += 1) {
      expect(verifyBatch([...claims.slice(0, at), bad, ...claims.slice(at)])).toEqual([at]);
    }
    expect(verifyBatch([bad, ...claims, bad, bad])).toEqual([0, claims.length + 1, claims.length + 2]);
  });

  test('does not let two wrong equations make up for each other', () => {
    const [first] = claims as [(typeof claims)[number]];
    const shift = (by: bigint) => {
      const response = (leToBigint(first.proof.subarray(32)) + by + RISTRETTO255.order) % RISTRETTO255.order;
      return { ...first, proof: concat(first.proof.subarray(0, 32), encodeScalar(response)) };
    };
    expect(verifyBatch([shift(1n), shift(-1n)])).toEqual([0, 1]);
  });
});

test.each(vectors.refused)('$name is refused', (vector) => {
  let accepted: boolean;
  try {
    accepted = verify(vector.tag, relationOf(vector), fromHex(vector.proof));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    accepted = false;
  }
  expect(accepted).toBe(false);
});
