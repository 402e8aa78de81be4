// The published vectors of draft-irtf-cfrg-fiat-shamir and draft-irtf-cfrg-sigma-protocols that concern Retally: sponge,
// session ids, challenges, and batchable proofs over P-256. Codecs and the compact form are not used here.
import { describe, expect, test } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import { decodeUint, deriveSessionId } from '../../src/core/fiatShamir.ts';
import { prove, verify, verifyBatch } from '../../src/core/sigma.ts';
import { DuplexSponge } from '../../src/core/sponge.ts';
import { P256 } from './p256.ts';
import { parseRelation } from './relationHeader.ts';
import { publishedVectors } from './vectors.ts';

interface SpongeVector {
  Id: string;
  Function: string;
  SessionId: string;
  Operations?: ({ type: 'absorb'; data: string } | { type: 'squeeze'; length: number })[];
  Output: string;
  Input: string;
  Tag: string;
  Modulus: string | number;
  Challenge: string | number;
}

interface SigmaVector {
  Id: string;
  BaseId?: string;
  Flavor: 'batchable' | 'compact';
  Ciphersuite: string;
  Relation: string;
  Tag: string;
  SessionId: string;
  Instance: string;
  Witness: string;
  NargString: string;
  Expected: 'accept' | 'reject';
}

const sponge = (publishedVectors('sigma/fiatShamirShake128Vectors.json') as SpongeVector[] | null) ?? [];
const codecs = (publishedVectors('sigma/fiatShamirCodecVectors.json') as SpongeVector[] | null) ?? [];
const valid = ((publishedVectors('sigma/valid_P256.json') as SigmaVector[] | null) ?? []).filter(batchable);
const adversarial = ((publishedVectors('sigma/adversarial_P256.json') as SigmaVector[] | null) ?? []).filter(batchable);

function batchable({ Flavor }: SigmaVector): boolean {
  return Flavor === 'batchable';
}

const toInteger = (value: string | number): bigint =>
  typeof value === 'number' ? BigInt(value) : BigInt(value.startsWith('0x') ? value : `0x${value}`);

function replay({ SessionId, Operations = [] }: SpongeVector): string {
  const duplex = new DuplexSponge(fromHex(SessionId));
  const squeezed = Operations.map((operation) => {
    if (operation.type === 'squeeze') return duplex.squeeze(operation.length);
    duplex.absorb(fromHex(operation.data));
    return utf8('');
  });
  return toHex(concat(...squeezed));
}

describe.skipIf(sponge.length === 0)('the sponge', () => {
  test('squeezes the published bytes', () => {
    const duplex = sponge.filter((vector) => vector.Function === 'DuplexSponge');
    expect(duplex).toHaveLength(9);
    for (const vector of duplex) expect(replay(vector), vector.Id).toBe(vector.Output);
  });

  test('derives the published session id', () => {
    const vector = sponge.find((one) => one.Function === 'DeriveSessionID') as SpongeVector;
    expect(toHex(deriveSessionId(fromHex(vector.Tag)))).toBe(vector.Output);
  });

  test('squeezes and decodes the published integers', () => {
    const decoded = [...sponge, ...codecs].filter((vector) => vector.Function === 'DecodeUint');
    expect(decoded).toHaveLength(2);
    for (const vector of decoded) {
      const squeezed = vector.Operations === undefined ? vector.Input : replay(vector);
      if (vector.Operations !== undefined) expect(squeezed).toBe(vector.Output);
      expect(decodeUint(fromHex(squeezed), toInteger(vector.Modulus)), vector.Id).toBe(toInteger(vector.Challenge));
    }
  });
});

const claimOf = ({ Tag, Instance, NargString }: SigmaVector) => ({
  tag: Tag,
  relation: parseRelation(P256, fromHex(Instance)),
  proof: fromHex(NargString),
});

function accepted(vector: SigmaVector): boolean {
  try {
    const { tag, relation, proof } = claimOf(vector);
    return verify(tag, relation, proof);
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** The draft's "Seeded PRNG": the nonces its published proofs were made with. */
function seededNonces({ Ciphersuite, Relation }: SigmaVector, count: number): bigint[] {
  const seed = deriveSessionId(utf8(`TestDRNG-SIGMA-PROOFS-DSFS-${Ciphersuite}-${Relation}`));
  const source = new DuplexSponge(seed);
  return Array.from({ length: count }, () => decodeUint(source.squeeze(48), P256.order));
}

describe.skipIf(valid.length === 0)('proofs over P-256', () => {
  test.each(valid)('$Id is made again byte for byte and accepted', (vector) => {
    expect(toHex(deriveSessionId(utf8(vector.Tag)))).toBe(vector.SessionId);
    const { tag, relation } = claimOf(vector);
    expect(toHex(concat(relation.shape.header, relation.encodings))).toBe(vector.Instance);
    const witness = (vector.Witness.match(/.{64}/g) as string[]).map((scalar) => P256.decodeScalar(fromHex(scalar)));
    const proof = prove(tag, relation, witness, { nonces: seededNonces(vector, witness.length) });
    expect(toHex(proof)).toBe(vector.NargString);
    expect(accepted(vector)).toBe(true);
  });

  test.each(adversarial)('$Id is judged as published: $Expected', (vector) => {
    expect(accepted(vector)).toBe(vector.Expected === 'accept');
  });

  test('all valid ones verify together, and one bad one among them is named', () => {
    const claims = valid.map(claimOf);
    expect(claims).toHaveLength(7);
    expect(verifyBatch(claims)).toEqual([]);
    const bad = adversarial.filter(({ Expected }) => Expected === 'reject');
    for (const vector of bad) {
      let claim: ReturnType<typeof claimOf>;
      try {
        claim = claimOf(vector);
      } catch {
        continue;
      }
      expect(verifyBatch([claims[0], claim, claims[1]].filter((one) => one !== undefined)), vector.Id).toEqual([1]);
    }
  });
});
