// Drives the fold over a board: proofs of ballots are looked at by the pool while the next bundle is being read, and ballots
// end in board order once they are known. An official's entry waits for all ballots before it.
import type { Bytes } from '../core/bytes.ts';
import { isBallot } from '../board/entries.ts';
import { beginBallot, endBallot, foldOfficial, type BegunBallot } from './fold.ts';
import type { Pool } from './pool.ts';
import type { ElectionState } from './state.ts';
import type { ProofRuling, Summing } from './tasks.ts';
import type { Tree } from './v02Entries.ts';

/** Ballots between two officials' entries, or some of them. */
interface Run {
  readonly ballots: readonly BegunBallot[];
  /** The rulings on those that need their proofs, in order. */
  readonly rulings: Promise<readonly ProofRuling[]>;
}

export class FoldDriver {
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

  async #ballots(entries: readonly Bytes[]): Promise<void> {
    const ballots = entries.map((raw, at) => beginBallot(this.state, this.#next + at, raw));
    this.#next += entries.length;
    const provable = ballots.flatMap((begun) => (needsProof(begun) ? [begun.facts.ballot] : []));
    const rulings = provable.length > 0 ? this.pool.rule(provable) : Promise.resolve([]);
    // Awaited below at the latest; until then a failure must not count as unhandled.
    rulings.catch(() => undefined);
    this.#runs.push({ ballots, rulings });
    this.#inHand += ballots.length;
    while (this.#inHand > this.pool.mostInHand && this.#runs.length > 1) await this.#settleFirst();
  }

  async #settleFirst(): Promise<void> {
    const { ballots, rulings } = this.#runs[0] as Run;
    const found = await rulings;
    this.#runs.shift();
    this.#inHand -= ballots.length;
    // One ruling for each ballot that needs it, or nothing here may be believed.
    if (found.length < ballots.filter(needsProof).length) throw new Error('a proof was not looked at');
    let next = 0;
    for (const begun of ballots) {
      const ruling = needsProof(begun) ? (found[next++] as ProofRuling) : null;
      endBallot(this.state, begun, ruling);
    }
  }

  async #official(raw: Bytes, leaf: Bytes): Promise<void> {
    await this.settle();
    const { state, pool } = this;
    state.index = this.#next;
    this.#next += 1;
    const before = state.opening;
    await this.#answer(foldOfficial(state, raw, leaf));
    if (state.opening !== null && before === null) {
      pool.begin({ electionId: state.electionId, jointKey: state.opening.jointKey, manifest: state.manifest });
    }
  }

  /** Sends a rule the sums that it asks for, until it ends. */
  async #answer(rule: Summing): Promise<void> {
    for (let step = rule.next(); step.done !== true;) step = rule.next(await this.pool.sumColumns(step.value));
  }
}

function needsProof(begun: BegunBallot): begun is Extract<BegunBallot, { facts: unknown }> {
  return !('malformed' in begun) && begun.needsProof;
}
