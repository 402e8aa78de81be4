// Every entry in board order, the one check that refuses it or the effect it has (docs/spec 8.1, 8.3): a pure fold, so the
// same entries give the same state to everyone.
//
// Nothing is read, sent or waited for here. A ballot begins before its proof was looked at and ends after; an official's
// entry yields what has to be summed. `foldDriver.ts` brings both.
import { readOr } from '../core/errors.ts';
import { toHex, type Bytes } from '../core/bytes.ts';
import {
  parseBallot,
  parseOfficialEntry,
  wrongSignatures,
  type OfficialContent,
  type OfficialEntry,
} from '../board/entries.ts';
import { ruleBallot, withProof, type BallotFacts, type BoardBefore } from './ballotRule.ts';
import { Broken } from './checks.ts';
import { phaseOf, type ElectionState } from './state.ts';
import type { ProofRuling, Summing } from './tasks.ts';
import { takePaperCount, v04PhaseAndOrder } from './v04Order.ts';
import { v05Commitment, v06Answer, v06Complaint, v06Confirmation, v07Opening } from './v05V06V07Ceremony.ts';
import { v08Opening, v08Replacement, v08Revocation, v08RollChunk, v08RollCommitment } from './v08Roll.ts';
import { v09BallotForm, wrongEncoding, type WellFormedBallot } from './v09BallotForm.ts';
import { v09OfficialForm } from './v09Form.ts';
import { acceptBallot } from './v11V12V13Ballots.ts';
import { v14Closing } from './v14V15Counting.ts';
import { takePartialDecryption } from './v16V17V18Decryption.ts';
import { takeResult } from './v19V20Result.ts';

// ---- ballots ----

/** A ballot entry that has begun. */
export type BegunBallot =
  | { readonly index: number; readonly malformed: string }
  | { readonly index: number; readonly facts: BallotFacts; readonly needsProof: boolean };

/** Counts the entry, and goes as far with it as is possible without its proof. */
export function beginBallot(state: ElectionState, index: number, raw: Bytes): BegunBallot {
  // 8.3: an entry without a newline is a ballot's, whatever else it is.
  if (state.closing === null) state.ballots.entries += 1;
  const ballot = readOr(
    () => v09BallotForm(state, parseBallot(raw)),
    (reason) => ({ malformed: reason }),
  );
  if ('malformed' in ballot) return { index, ...ballot };
  const facts: BallotFacts = { ballot, encoding: undefined, proof: undefined };
  if (ruleBallot(facts, boardBefore(state, ballot)) === 'needs its proof') return { index, facts, needsProof: true };
  return { index, facts: { ...facts, encoding: wrongEncoding(state, ballot) }, needsProof: false };
}

/** The ballot takes effect, or is refused. All entries before it have ended; `proof` is null where none was needed. */
export function endBallot(state: ElectionState, begun: BegunBallot, proof: ProofRuling): void {
  const { index } = begun;
  if ('malformed' in begun) {
    state.refusals.push({ index, check: 'V09', reason: begun.malformed });
    return;
  }
  const facts = begun.needsProof ? withProof(begun.facts, proof) : begun.facts;
  const ruling = ruleBallot(facts, boardBefore(state, facts.ballot));
  if (begun.needsProof) state.ballots.proved += 1;
  if (ruling === 'accepted') acceptBallot(state, facts.ballot);
  else if (typeof ruling === 'string') throw new Error(`entry ${index} ends and ${ruling}`);
  else state.refusals.push({ index, ...ruling });
}

function boardBefore(state: ElectionState, { credential }: WellFormedBallot): BoardBefore {
  return {
    phase: phaseOf(state),
    credential: state.roll.credentials.get(toHex(credential)),
    styles: state.manifest.styles,
    points: state.ballots.points,
  };
}

// ---- officials: V09, V04, then the kind's own check ----

/** An official's entry at `state.index` takes effect, or is refused. */
export function* foldOfficial(state: ElectionState, raw: Bytes, leaf: Bytes): Summing {
  try {
    const content = admitOfficial(state, raw);
    yield* ownCheck(state, content);
    if (CEREMONY.has(content.kind)) state.ceremony.transcript.push(leaf);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    state.refusals.push({ index: state.index, check: error.check, reason: error.message });
  }
}

/** What a confirmation confirms: the entries of these kinds that no check refused (5.4). */
const CEREMONY: ReadonlySet<string> = new Set([
  'guardian-commitment',
  'guardian-shares',
  'guardian-complaint',
  'guardian-answer',
] satisfies OfficialContent['kind'][]);

/** What every kind has to meet. Throws Broken. */
function admitOfficial(state: ElectionState, raw: Bytes): OfficialContent {
  const read = (): OfficialEntry => {
    const parsed = parseOfficialEntry(raw);
    v09OfficialForm(state, parsed.content);
    return parsed;
  };
  const entry = readOr(read, (reason) => {
    throw new Broken('V09', reason);
  });
  const wrong = wrongSignatures(entry, state.manifest);
  if (wrong !== null) throw new Broken('V04', wrong);
  v04PhaseAndOrder(state, entry.content);
  return entry.content;
}

function* ownCheck(state: ElectionState, content: OfficialContent): Summing {
  switch (content.kind) {
    case 'guardian-commitment':
      v05Commitment(state, content);
      break;
    case 'guardian-shares':
      state.ceremony.shares.add(content.guardian);
      break;
    case 'guardian-complaint':
      v06Complaint(state, content);
      break;
    case 'guardian-answer':
      v06Answer(state, content);
      break;
    case 'guardian-confirmation':
      v06Confirmation(state, content);
      break;
    case 'roll-commitment':
      v08RollCommitment(state, content);
      break;
    case 'roll':
      yield* v08RollChunk(state, content);
      break;
    case 'roll-revocation':
      v08Revocation(state, content);
      break;
    case 'roll-replacement':
      v08Replacement(state, content);
      break;
    case 'opening':
      v07Opening(state, content);
      v08Opening(state, content);
      state.opening = { index: state.index, jointKey: content.key };
      break;
    case 'closing':
      yield* v14Closing(state, content);
      break;
    case 'paper-count':
      takePaperCount(state, content);
      break;
    case 'partial-decryption':
      takePartialDecryption(state, content);
      break;
    case 'result':
      takeResult(state, content);
      break;
    case 'manifest':
      throw new Broken('V04', `a second manifest in the phase ${phaseOf(state)}`);
  }
}
