// The heavy work of a verification with the native engine's code: what it accepts is accepted; what it rejects the
// TypeScript verifier looks at again and gives the reason, in the same words as without an accelerator.
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import { BASE, encodePoint, encodeScalar, multiplyBase, randomScalar } from '../core/group.ts';
import { ballotTag, credentialPart } from '../core/relations.ts';
import { prove } from '../core/sigma.ts';
import type { Election, ProofRuling, ProvenBallot } from '../verifier/tasks.ts';
import { shapeOf } from '../verifier/v09BallotForm.ts';
import { ProofTasks } from '../verifier/v10BallotProofs.ts';
import { EngineFault, type NativeEngine } from './nativeEngine.ts';

export class AcceleratedTasks extends ProofTasks {
  #election: Election | null = null;

  constructor(readonly engine: NativeEngine) {
    super();
  }

  override begin(election: Election): void {
    super.begin(election);
    this.#election = election;
  }

  override rule(ballots: readonly ProvenBallot[]): ProofRuling[] {
    const rulings: ProofRuling[] = ballots.map(() => ({ check: 'V10', reason: 'the proof was not looked at' }));
    const places = new Map<number, number[]>();
    ballots.forEach(({ style }, at) => places.set(style, [...(places.get(style) ?? []), at]));
    const doubtful: number[] = [];
    for (const [style, of] of places) {
      const accepted = this.#verify(
        style,
        of.map((at) => ballots[at] as ProvenBallot),
      );
      of.forEach((at, position) => {
        if (accepted[position] === true) rulings[at] = null;
        else doubtful.push(at);
      });
    }
    const again = super.rule(doubtful.map((at) => ballots[at] as ProvenBallot));
    doubtful.forEach((at, position) => {
      const ruling = again[position] ?? null;
      if (ruling === null) throw new EngineFault('the engine rejects a proof that the TypeScript verifier accepts');
      rulings[at] = ruling;
    });
    return rulings;
  }

  override sums(packed: Bytes, columns: number): Bytes {
    return this.engine.sumColumns(packed, columns);
  }

  #verify(style: number, ballots: readonly ProvenBallot[]): boolean[] {
    const election = this.#election;
    if (election === null) throw new Error('proofs before the election is known');
    return this.engine.verifyBatch({
      header: shapeOf(election.manifest, style).header,
      shared: election.jointKey,
      elements: concat(...ballots.flatMap(({ credential, ciphertexts }) => [credential, ciphertexts])),
      tags: utf8(ballots.map(({ bodyHash }) => ballotTag(election.electionId, bodyHash)).join('')),
      proofs: concat(...ballots.map(({ proof }) => proof)),
      count: ballots.length,
    });
  }
}

/** EngineFault unless the engine accepts a proof made here just now, rejects two false ones, and adds up rightly. */
export function tryOut(engine: NativeEngine): void {
  const secret = randomScalar();
  const relation = credentialPart(multiplyBase(secret));
  const good = prove('RETALLY-try-out', relation, [secret]);
  const false1 = good.slice();
  false1.set(encodeScalar(1n), 32);
  const false2 = concat(encodePoint(multiplyBase(secret)), good.subarray(32));
  const verdicts = engine.verifyBatch({
    header: relation.shape.header,
    shared: new Uint8Array(),
    elements: concat(relation.encodings, relation.encodings, relation.encodings),
    tags: utf8('RETALLY-try-out'.repeat(3)),
    proofs: concat(false1, good, false2),
    count: 3,
  });
  const base = encodePoint(BASE);
  const sum = engine.sumColumns(concat(base, relation.encodings), 1);
  const expected = encodePoint(BASE.add(multiplyBase(secret)));
  if (verdicts.join() !== 'false,true,false' || sum.join() !== expected.join()) {
    throw new EngineFault('the engine does not verify what it should');
  }
}
