// The one rule for a ballot entry (docs/spec 8.1): V09, V04, V11, V10, V12, V13. The first check that fails refuses it. The
// order stands here and nowhere else; what each check says is in the module that has its number in its name.
import type { Bytes } from '../core/bytes.ts';
import type { Check } from './checks.ts';
import type { BoardPhase, Credential } from './state.ts';
import type { ProofRuling } from './tasks.ts';
import { wrongPhase } from './v04Order.ts';
import type { WellFormedBallot } from './v09BallotForm.ts';
import { v11Fault, v12Fault, v13Fault } from './v11V12V13Ballots.ts';

/** What somebody who looked found: what is wrong, or null for nothing. Undefined while nobody has looked. */
type Looked = string | null | undefined;

/** What is known of a ballot by itself, whatever stands before it. Decoding its points and verifying its proof is dear. */
export interface BallotFacts {
  readonly ballot: WellFormedBallot;
  /** Of its points and scalars. */
  readonly encoding: Looked;
  readonly proof: Looked;
}

/** What the board before a ballot says of it. */
export interface BoardBefore {
  readonly phase: BoardPhase;
  /** The ballot's credential, if it was ever on the roll. */
  readonly credential: Readonly<Credential> | undefined;
  readonly styles: readonly { readonly id: string }[];
  /** The points A of all accepted ballots. */
  readonly points: { has(point: Bytes): boolean };
}

export interface BallotFault {
  readonly check: Check;
  readonly reason: string;
}

/** Accepted, or the first check that fails; or what has to be looked at before that can be said. */
export type BallotRuling = 'accepted' | 'needs its encoding' | 'needs its proof' | BallotFault;

export function ruleBallot({ ballot, encoding, proof }: BallotFacts, before: BoardBefore): BallotRuling {
  const barred =
    fault('V04', wrongPhase(before.phase, 'ballot')) ??
    fault('V11', v11Fault(ballot, before.credential, before.styles));
  // The encoding's fault goes first. Who looks at the proof finds it too; alone it is asked for where no proof will be.
  if (encoding === undefined) return barred === null ? 'needs its proof' : 'needs its encoding';
  const early = fault('V09', encoding) ?? barred;
  if (early !== null) return early;
  if (proof === undefined) return 'needs its proof';
  const credential = before.credential as Credential; // V11 has passed
  return (
    fault('V10', proof) ??
    fault('V12', v12Fault(ballot, credential)) ??
    fault('V13', v13Fault(ballot, before.points)) ??
    'accepted'
  );
}

function fault(check: Check, reason: string | null): BallotFault | null {
  return reason === null ? null : { check, reason };
}

/** The facts with what the pool found: it decodes everything before it verifies the proof. */
export function withProof(facts: BallotFacts, ruling: ProofRuling): BallotFacts {
  if (ruling === null) return { ...facts, encoding: null, proof: null };
  return ruling.check === 'V09'
    ? { ...facts, encoding: ruling.reason }
    : { ...facts, encoding: null, proof: ruling.reason };
}
