// The ballots of docs/spec/vectors/ballots.json: every value from a seed to an entry, and entries to refuse.
import { describe, expect, test } from 'vitest';
import {
  encryptBallot,
  openBallot,
  openingText,
  parseOpening,
  proveBallot,
  ruleBallots,
  verifyBallots,
  type BallotProof,
} from '../../src/core/ballot.ts';
import {
  equal,
  fromBase64url,
  fromHex,
  fromUtf8,
  leToBigint,
  sha256,
  toBase64url,
  toHex,
  utf8,
} from '../../src/core/bytes.ts';
import { formatCanonical, parseCanonical, type Json } from '../../src/core/canonical.ts';
import { contestWeights, styleOf, type BallotManifest } from '../../src/core/contests.ts';
import { Malformed } from '../../src/core/errors.ts';
import { sharedBallotShape } from '../../src/core/relations.ts';
import { ownVectors } from './vectors.ts';

interface BallotVector {
  name: string;
  style: string;
  credential_secret: string;
  credential: string;
  previous: string;
  choices: number[][];
  seed: string;
  weights: number[][];
  bits: number[];
  nonces: string[];
  ciphertexts: { A: string; B: string }[];
  body: string;
  body_hash: string;
  tracking_code: string;
  opening: string;
  header: string;
  prover_nonces: string[];
  proof: string;
  entry: string;
}

const vectors = ownVectors('ballots.json') as {
  manifest: string;
  election: string;
  key: string;
  ballots: BallotVector[];
  refused: { name: string; entry: string; check: string }[];
};

const manifest = JSON.parse(vectors.manifest.split('\n')[0] as string) as BallotManifest;
const electionId = fromHex(vectors.election);
const jointKey = fromHex(vectors.key);
const election = { electionId, jointKey };

const encrypted = vectors.ballots.map((vector) =>
  encryptBallot({
    electionId,
    jointKey,
    manifest,
    style: vector.style,
    credential: fromHex(vector.credential),
    previous: fromHex(vector.previous),
    choices: vector.choices,
    seed: fromHex(vector.seed),
  }),
);

const contestsOf = (style: string): BallotProof['contests'] => styleOf(manifest, style)?.contests ?? [];

const proofOf = (vector: BallotVector): BallotProof => ({
  contests: contestsOf(vector.style),
  credential: fromHex(vector.credential),
  bodyHash: fromHex(vector.body_hash),
  ciphertexts: fromHex(vector.ciphertexts.map(({ A, B }) => A + B).join('')),
  proof: fromHex(vector.proof),
});

describe.each(vectors.ballots.map((vector, at) => ({ vector, at, name: vector.name })))('$name', ({ vector, at }) => {
  const ballot = encrypted[at] as (typeof encrypted)[number];

  test('has these weights, bits and nonces', () => {
    expect(ballot.contests.map(contestWeights)).toEqual(vector.weights);
    expect(ballot.bits).toEqual(vector.bits);
    expect(ballot.nonces).toEqual(vector.nonces.map((nonce) => leToBigint(fromHex(nonce))));
  });

  test('is encrypted to these bytes, with this body and tracking code', () => {
    expect(toHex(ballot.ciphertexts)).toBe(vector.ciphertexts.map(({ A, B }) => A + B).join(''));
    expect(fromUtf8(ballot.body)).toBe(vector.body);
    expect(toHex(ballot.bodyHash)).toBe(vector.body_hash);
    expect(ballot.trackingCode).toBe(vector.tracking_code);
  });

  test('is shown by this opening', () => {
    expect(openingText(ballot)).toBe(vector.opening);
    const { body, seed, choices } = parseOpening(vector.opening);
    expect(openBallot(body, seed, choices, manifest, electionId, jointKey)).toBe('agrees');
  });

  test('is proved by these bytes when the prover draws these nonces', () => {
    expect(toHex(sharedBallotShape(ballot.contests).header)).toBe(vector.header);
    const nonces = vector.prover_nonces.map((nonce) => leToBigint(fromHex(nonce)));
    const entry = proveBallot(ballot, leToBigint(fromHex(vector.credential_secret)), { nonces });
    expect(fromUtf8(entry)).toBe(vector.entry);
  });
});

test('all proofs verify, alone and together', () => {
  expect(verifyBallots(election, vectors.ballots.map(proofOf))).toEqual([]);
  for (const vector of vectors.ballots) expect(verifyBallots(election, [proofOf(vector)])).toEqual([]);
});

test('a secret that is not the credential’s proves nothing', () => {
  expect(() => proveBallot(encrypted[2] as (typeof encrypted)[number], 5n)).toThrow('witness');
});

/** Just enough of an entry's form to get to its proof; everything else about form is the board's business. */
function readEntry(text: string): BallotProof | null {
  try {
    const value = parseCanonical(utf8(text)) as { [name: string]: Json };
    const { proof, ...body } = value;
    const names = 'ciphertexts credential election kind previous style';
    const { style, ciphertexts, credential } = body;
    if (Object.keys(body).sort().join(' ') !== names || body['kind'] !== 'ballot') return null;
    if (typeof proof !== 'string' || typeof ciphertexts !== 'string' || typeof credential !== 'string') return null;
    if (typeof style !== 'string' || styleOf(manifest, style) === undefined) return null;
    if (body['election'] !== toBase64url(electionId)) return null;
    return {
      contests: contestsOf(style),
      credential: fromBase64url(credential),
      bodyHash: sha256(formatCanonical(body)),
      ciphertexts: fromBase64url(ciphertexts),
      proof: fromBase64url(proof),
    };
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

test.each(vectors.refused)('$name is refused by $check', ({ entry, check }) => {
  const ballot = readEntry(entry);
  const ruling = ballot === null ? 'encoding' : ruleBallots(election, [ballot])[0];
  expect(ruling).toBe(check === 'V09' ? 'encoding' : 'proof');
});

test('the refused ballots are found among good ones, and only they', () => {
  const good = vectors.ballots.map(proofOf);
  const bad = vectors.refused
    .filter(({ check }) => check === 'V10')
    .map(({ entry }) => readEntry(entry) as BallotProof);
  const mixed = [good[0], bad[0], good[1], ...bad.slice(1, 5), ...good.slice(2, 5)] as BallotProof[];
  expect(verifyBallots(election, mixed)).toEqual([1, 3, 4, 5, 6]);
});

describe('an opening is refused', () => {
  const ballot = encrypted[0] as (typeof encrypted)[number];
  const open = (body: Uint8Array, seed: Uint8Array, choices: readonly (readonly number[])[], id = electionId): string =>
    openBallot(body, seed, choices, manifest, id, jointKey);

  test('with another seed', () => {
    const seed = ballot.seed.slice();
    seed[31] = (seed[31] as number) ^ 1;
    expect(open(ballot.body, seed, ballot.choices)).toBe('other ciphertexts');
  });

  test('with other choices, possible or not', () => {
    const values = ballot.choices[0] as readonly number[];
    expect(open(ballot.body, ballot.seed, [[...values].map((value) => 1 - value)])).toBe('other ciphertexts');
    expect(open(ballot.body, ballot.seed, [values.map(() => 2)])).toBe('impossible choices');
    expect(open(ballot.body, ballot.seed, [])).toBe('impossible choices');
  });

  test('in another election, and for what is no ballot', () => {
    expect(open(ballot.body, ballot.seed, ballot.choices, sha256(electionId))).toBe('another election');
    expect(open(utf8('{}'), ballot.seed, ballot.choices)).toBe('not a ballot');
    const entry = utf8((vectors.ballots[0] as BallotVector).entry);
    expect(open(entry, ballot.seed, ballot.choices)).toBe('not a ballot');
  });

  test('when its text is not canonical', () => {
    expect(() => parseOpening(`${openingText(ballot)} `)).toThrow(Malformed);
    expect(() => parseOpening(openingText(ballot).replace('retally-opening', 'opening'))).toThrow(Malformed);
  });
});

test('a ballot without a given seed has a fresh one', () => {
  const [first, second] = [0, 1].map(() =>
    encryptBallot({
      electionId,
      jointKey,
      manifest,
      style: 'plurality',
      credential: fromHex((vectors.ballots[2] as BallotVector).credential),
      previous: new Uint8Array(32),
      choices: [[0, 0, 1]],
    }),
  );
  expect(equal(first?.seed ?? utf8(''), second?.seed ?? utf8(''))).toBe(false);
});
