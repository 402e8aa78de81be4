// The order of 8.1: of several checks that a ballot fails, the first one refuses it.
import { describe, expect, it } from 'vitest';
import { ruleBallot, withProof, type BallotFacts, type BoardBefore } from '../../src/verifier/ballotRule.ts';
import { NO_BALLOT } from '../../src/verifier/state.ts';

const bytes = (fill: number, length = 32) => new Uint8Array(length).fill(fill);

const ballot = {
  style: 0,
  credential: bytes(1),
  previous: NO_BALLOT,
  bodyHash: bytes(2),
  ciphertexts: bytes(3, 64),
  proof: bytes(4),
};
const right: BallotFacts = { ballot, encoding: null, proof: null };
const credential = {
  credential: ballot.credential,
  style: 0,
  active: true,
  accepted: 0,
  previous: NO_BALLOT,
  ciphertexts: null,
};
const before: BoardBefore = {
  phase: 'voting',
  credential,
  styles: [{ id: 'north' }, { id: 'south' }],
  points: { has: () => false },
};

/** From the last check to the first: each is what the rule says although all that stand below fail too. */
const FAULTS: readonly (readonly [string, Partial<BallotFacts>, Partial<BoardBefore>])[] = [
  ['V13', {}, { points: { has: () => true } }],
  ['V12', { ballot: { ...ballot, previous: bytes(9) } }, {}],
  ['V10', { proof: 'the proof does not verify' }, {}],
  ['V11', {}, { credential: undefined }],
  ['V04', {}, { phase: 'tally' }],
  ['V09', { encoding: 'no point' }, {}],
];

describe('a ballot', () => {
  it('that no check refuses is accepted', () => {
    expect(ruleBallot(right, before)).toBe('accepted');
  });

  it.each(FAULTS.map(([check], place) => [check, place] as const))(
    'fails %s before what comes after it',
    (check, at) => {
      const failing = FAULTS.slice(0, at + 1);
      const facts = failing.reduce((all, [, part]) => ({ ...all, ...part }), right);
      const board = failing.reduce((all, [, , part]) => ({ ...all, ...part }), before);
      expect(ruleBallot(facts, board)).toMatchObject({ check });
    },
  );

  it('is refused by V11 for a credential that was revoked, and for another style than its own', () => {
    const revoked = { ...before, credential: { ...credential, active: false } };
    expect(ruleBallot(right, revoked)).toMatchObject({
      check: 'V11',
      reason: 'the credential was revoked or replaced',
    });
    const south = { ...before, credential: { ...credential, style: 1 } };
    expect(ruleBallot(right, south)).toMatchObject({
      check: 'V11',
      reason: "the ballot's style is north, the credential's is south",
    });
  });
});

describe('a ballot that nobody has looked at', () => {
  const unseen: BallotFacts = { ballot, encoding: undefined, proof: undefined };

  it('needs its proof, if nothing bars it', () => {
    expect(ruleBallot(unseen, before)).toBe('needs its proof');
    expect(ruleBallot({ ...unseen, encoding: null }, before)).toBe('needs its proof');
  });

  it('is never proved after the closing or off the roll: only its encoding is looked at', () => {
    for (const barred of [{ phase: 'tally' as const }, { credential: undefined }]) {
      expect(ruleBallot(unseen, { ...before, ...barred })).toBe('needs its encoding');
    }
  });

  it('is ruled on with what the pool found', () => {
    expect(ruleBallot(withProof(unseen, null), before)).toBe('accepted');
    for (const ruling of [
      { check: 'V09', reason: 'no point' },
      { check: 'V10', reason: 'the proof does not verify' },
    ] as const) {
      expect(ruleBallot(withProof(unseen, ruling), before)).toEqual(ruling);
    }
  });
});
