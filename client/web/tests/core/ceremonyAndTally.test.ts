// The proofs of guardians in docs/spec/vectors/ceremony.json and tally.json, and the arithmetic around them.
import { describe, expect, test } from 'vitest';
import { concat, fromHex, leToBigint, sha256, toHex, utf8 } from '../../src/core/bytes.ts';
import {
  add,
  decodePoint,
  encodePoint,
  IDENTITY,
  isIdentity,
  msm,
  multiplyBase,
  ORDER,
  subtract,
  type Point,
} from '../../src/core/group.ts';
import {
  guardianCommitment,
  guardianCommitmentTag,
  partialDecryption,
  partialDecryptionTag,
} from '../../src/core/relations.ts';
import { prove, verify } from '../../src/core/sigma.ts';
import { ownVectors } from './vectors.ts';

interface Proof {
  tag: string;
  witness: string[];
  prover_nonces: string[];
  proof: string;
}

const scalar = (hex: string): bigint => leToBigint(fromHex(hex));
const points = (list: readonly string[]): Point[] => list.map((hex) => decodePoint(fromHex(hex)));
const pointsIn = (hex: string): Point[] => points(hex.match(/.{64}/g) ?? []);

describe('a ceremony', () => {
  const ceremony = ownVectors('ceremony.json') as {
    election: string;
    guardians: {
      guardian: number;
      commitments: string;
      proof_of_commitments: Proof;
      public_share: string;
      secret_share: string;
    }[];
    shares: { from: number; to: number; share: string }[];
    refused_shares: { from: number; to: number; share: string; why: string }[];
    joint_key: string;
  };
  const electionId = fromHex(ceremony.election);
  const committed = ceremony.guardians.map(({ commitments }) => pointsIn(commitments));

  /** Σ_l j^l·F_i,l. */
  const expected = (from: number, to: number): Point => {
    const own = committed[from - 1] as Point[];
    return msm(
      own,
      own.map((_, power) => BigInt(to) ** BigInt(power)),
    );
  };

  test.each(ceremony.guardians)('has the proof of guardian $guardian, made for it alone', (guardian) => {
    const relation = guardianCommitment(committed[guardian.guardian - 1] as Point[]);
    const tag = guardianCommitmentTag(electionId, guardian.guardian);
    const { proof_of_commitments: vector } = guardian;
    expect(tag).toBe(vector.tag);
    const proof = prove(tag, relation, vector.witness.map(scalar), { nonces: vector.prover_nonces.map(scalar) });
    expect(toHex(proof)).toBe(vector.proof);
    expect(verify(tag, relation, proof)).toBe(true);
    expect(verify(guardianCommitmentTag(electionId, guardian.guardian + 1), relation, proof)).toBe(false);
  });

  test('gives this joint key and these public shares', () => {
    const key = committed.map(([first]) => first as Point).reduce(add, IDENTITY);
    expect(toHex(encodePoint(key))).toBe(ceremony.joint_key);
    for (const { guardian, public_share, secret_share } of ceremony.guardians) {
      const share = committed.map((_, at) => expected(at + 1, guardian)).reduce(add, IDENTITY);
      expect(toHex(encodePoint(share))).toBe(public_share);
      expect(toHex(encodePoint(multiplyBase(scalar(secret_share))))).toBe(public_share);
    }
  });

  test('has shares that fit their commitments, and wrong ones that do not', () => {
    const fits = ({ from, to, share }: { from: number; to: number; share: string }): boolean =>
      scalar(share) < ORDER && isIdentity(subtract(multiplyBase(scalar(share)), expected(from, to)));
    expect(ceremony.shares.filter(fits)).toHaveLength(ceremony.shares.length);
    expect(ceremony.refused_shares.filter(fits)).toEqual([]);
  });
});

interface Tally {
  name: string;
  election: string;
  size: number;
  root: string;
  aggregates: { A: string; B: string }[];
  digest: string;
  partial_decryptions: (Proof & { guardian: number; points: string[]; elements: string[] })[];
}

const { tallies } = ownVectors('tally.json') as { tallies: Tally[] };

describe.each(tallies)('the tally “$name”', ({ election, size, root, aggregates, digest, partial_decryptions }) => {
  const electionId = fromHex(election);
  const listed = aggregates.filter(({ A }) => /[^0]/.test(A)).map(({ A }) => decodePoint(fromHex(A)));

  test('has this digest of its aggregates', () => {
    const parts = aggregates.flatMap(({ A, B }) => [fromHex(A), fromHex(B)]);
    expect(toHex(sha256(utf8('RETALLY-V01-aggregates'), electionId, ...parts))).toBe(digest);
  });

  test('has proofs of every partial decryption, for these points, this guardian and this checkpoint only', () => {
    for (const vector of partial_decryptions) {
      const share = decodePoint(fromHex(vector.elements[0] as string));
      const parts = points(vector.points);
      const relation = partialDecryption(share, listed, parts);
      expect(toHex(relation.encodings)).toBe(vector.elements.join(''));
      const tag = partialDecryptionTag(electionId, vector.guardian, size, fromHex(root));
      expect(tag).toBe(vector.tag);
      const proof = prove(tag, relation, vector.witness.map(scalar), { nonces: vector.prover_nonces.map(scalar) });
      expect(toHex(proof)).toBe(vector.proof);
      expect(verify(tag, relation, proof)).toBe(true);
      const elsewhere = [
        partialDecryptionTag(electionId, vector.guardian + 1, size, fromHex(root)),
        partialDecryptionTag(electionId, vector.guardian, size + 1, fromHex(root)),
        partialDecryptionTag(electionId, vector.guardian, size, sha256(fromHex(root))),
        partialDecryptionTag(sha256(electionId), vector.guardian, size, fromHex(root)),
      ];
      for (const other of elsewhere) expect(verify(other, relation, proof)).toBe(false);
      if (parts.length < 2) continue;
      const exchanged = partialDecryption(share, listed, [...parts].reverse());
      expect(verify(tag, exchanged, proof)).toBe(false);
      expect(toHex(concat(...parts.map(encodePoint)))).toBe(vector.points.join(''));
    }
  });
});
