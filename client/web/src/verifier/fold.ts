// Every entry in board order, the one check that refuses it or the effect it has (docs/spec 8.1, 8.3): a pure fold, so the
// same entries give the same state to everyone.
//
// Proofs of ballots are ruled on by the pool while the next bundle is being read; chains and repeated points are looked
// at in board order once they are known. An official's entry waits for all ballots before it.
import { Malformed } from '../core/errors.ts';
import type { Bytes } from '../core/bytes.ts';
import { parseBallot, parseOfficialEntry, wrongSignatures, type OfficialContent } from '../board/entries.ts';
import { Broken, type Check } from './checks.ts';
import type { Pool } from './pool.ts';
import { phaseOf, type ElectionState } from './state.ts';
import type { Tree } from './v02Entries.ts';
import { takePaperCount, v04PhaseAndOrder, wrongPhase } from './v04Order.ts';
import { v05Commitment, v06Answer, v06Complaint, v06Confirmation, v07Opening } from './v05V06V07Ceremony.ts';
import { v08Opening, v08Replacement, v08Revocation, v08RollChunk, v08RollCommitment } from './v08Roll.ts';
import { isBallot, v09OfficialForm } from './v09Form.ts';
import { v09BallotForm, wrongEncoding, type ProofRuling } from './v10BallotProofs.ts';
import { v11Fault, v12V13Take, type BallotAtHand } from './v11V12V13Ballots.ts';
import { v14Closing } from './v14V15Counting.ts';
import { takePartialDecryption } from './v16V17V18Decryption.ts';
import { takeResult } from './v19V20Result.ts';

/** A ballot entry on its way: refused already, or its proof is being looked at. */
interface Candidate {
  readonly index: number;
  readonly ballot: BallotAtHand | null;
  readonly fault: ProofRuling;
}

interface Run {
  readonly candidates: readonly Candidate[];
  /** The rulings on the candidates without a fault, in order. */
  readonly rulings: Promise<readonly ProofRuling[]>;
  readonly length: number;
}

export class Fold {
  /** Index of the entry that comes next. */
  #next = 1;
  #runs: Run[] = [];
  #inHand = 0;

  constructor(
    readonly state: ElectionState,
    readonly pool: Pool,
    readonly tree: Tree,
  ) {}

  /** Entries after the manifest, in order, in as many pieces as is convenient, with their leaf hashes. */
  async take(entries: readonly Bytes[], leaves: readonly Bytes[]): Promise<void> {
    let from = 0;
    for (let at = 0; at <= entries.length; at += 1) {
      const raw = entries[at];
      if (raw !== undefined && isBallot(raw)) continue;
      if (from < at) await this.#ballots(entries.slice(from, at));
      this.#grow(leaves.slice(from, at));
      if (raw !== undefined) await this.#official(raw, leaves[at] as Bytes);
      this.#grow(leaves.slice(at, at + 1));
      from = at + 1;
    }
  }

  /** A partial decryption answers to the board's root at a size after the closing (7.5). */
  #grow(leaves: readonly Bytes[]): void {
    for (const leaf of leaves) {
      this.tree.append(leaf);
      if (this.state.closing !== null) this.state.tally.roots.set(this.tree.size, this.tree.root());
    }
  }

  /** Waits for the ballots that are still being looked at. */
  async settle(): Promise<void> {
    while (this.#runs.length > 0) await this.#settleFirst();
  }

  // ---- ballots: V09, V04, V11, V10, V12, V13 in this order ----

  async #ballots(entries: readonly Bytes[]): Promise<void> {
    const candidates = entries.map((raw, at) => this.#beforeProof(raw, this.#next + at));
    this.#next += entries.length;
    if (this.state.closing === null) this.state.ballots.entries += entries.length;
    const provable = candidates.flatMap(({ ballot, fault }) => (ballot !== null && fault === null ? [ballot] : []));
    const rulings = provable.length > 0 ? this.pool.rule(provable) : Promise.resolve([]);
    // Awaited below at the latest; until then a failure must not count as unhandled.
    rulings.catch(() => undefined);
    this.#runs.push({ candidates, rulings, length: entries.length });
    this.#inHand += entries.length;
    while (this.#inHand > this.pool.appetite && this.#runs.length > 1) await this.#settleFirst();
  }

  #beforeProof(raw: Bytes, index: number): Candidate {
    let ballot: BallotAtHand;
    try {
      ballot = v09BallotForm(this.state, parseBallot(raw));
    } catch (error) {
      return { index, ballot: null, fault: { check: 'V09', reason: reasonOf(error) } };
    }
    const phase = wrongPhase(this.state, 'ballot');
    const v11 = phase === null ? v11Fault(this.state, ballot) : null;
    if (phase === null && v11 === null) return { index, ballot, fault: null };
    // The pool looks at encodings with the proof; a ballot that never gets there is looked at here.
    const encoding = wrongEncoding(this.state, ballot);
    if (encoding !== null) return { index, ballot, fault: { check: 'V09', reason: encoding } };
    return {
      index,
      ballot,
      fault: phase !== null ? { check: 'V04', reason: phase } : { check: 'V11', reason: v11 ?? '' },
    };
  }

  async #settleFirst(): Promise<void> {
    const run = this.#runs[0] as Run;
    const rulings = await run.rulings;
    this.#runs.shift();
    this.#inHand -= run.length;
    let proved = 0;
    for (const { index, ballot, fault } of run.candidates) {
      let found = fault;
      if (ballot !== null && fault === null) {
        // One ruling for each ballot that got so far, or nothing here may be believed.
        if (proved >= rulings.length) throw new Error('a proof was not looked at');
        found = rulings[proved] ?? v12V13Take(this.state, ballot);
        proved += 1;
      }
      if (found !== null) this.state.refusals.push({ index, check: found.check, reason: found.reason });
    }
    this.state.ballots.proved += proved;
  }

  // ---- officials: V09, V04, then the kind's own check ----

  async #official(raw: Bytes, leaf: Bytes): Promise<void> {
    await this.settle();
    this.state.index = this.#next;
    this.#next += 1;
    try {
      await this.#rule(raw, leaf);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      this.state.refusals.push({ index: this.state.index, check: error.check, reason: error.message });
    }
  }

  async #rule(raw: Bytes, leaf: Bytes): Promise<void> {
    const { state } = this;
    const entry = within('V09', () => {
      const parsed = parseOfficialEntry(raw);
      v09OfficialForm(state, parsed.content);
      return parsed;
    });
    const wrong = wrongSignatures(entry, state.manifest);
    if (wrong !== null) throw new Broken('V04', wrong);
    v04PhaseAndOrder(state, entry.content);
    await this.#ownCheck(entry.content, leaf);
  }

  async #ownCheck(content: OfficialContent, leaf: Bytes): Promise<void> {
    const { state, pool } = this;
    switch (content.kind) {
      case 'guardian-commitment':
        v05Commitment(state, content);
        state.ceremony.transcript.push(leaf);
        break;
      case 'guardian-shares':
        state.ceremony.shares.add(content.guardian);
        state.ceremony.transcript.push(leaf);
        break;
      case 'guardian-complaint':
        v06Complaint(state, content);
        state.ceremony.transcript.push(leaf);
        break;
      case 'guardian-answer':
        v06Answer(state, content);
        state.ceremony.transcript.push(leaf);
        break;
      case 'guardian-confirmation':
        v06Confirmation(state, content);
        break;
      case 'roll-commitment':
        v08RollCommitment(state, content);
        break;
      case 'roll':
        await v08RollChunk(state, content, pool);
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
        state.opening = state.index;
        state.jointKey = content.key;
        pool.begin({ electionId: state.electionId, jointKey: content.key, manifest: state.manifest });
        break;
      case 'closing':
        await v14Closing(state, content, pool);
        state.closing = state.index;
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
}

/** What an adversary can write into an entry is Malformed, and fails the check; anything else is a fault of ours. */
function within<T>(check: Check, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Broken(check, reasonOf(error));
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Malformed) return error.message;
  throw error;
}
