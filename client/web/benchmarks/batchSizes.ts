// What benchmarks/batches.ts runs, in Node or in a page.
import { AcceleratedTasks } from '../src/accelerator/acceleratedTasks.ts';
import { NativeEngine } from '../src/accelerator/nativeEngine.ts';
import { sha256, toHex, type Bytes } from '../src/core/bytes.ts';
import type { Election, ProvenBallot } from '../src/verifier/tasks.ts';
import { ProofTasks } from '../src/verifier/v10BallotProofs.ts';

export interface Measured {
  readonly batch: number;
  /** Milliseconds a ballot, the best of some runs; null without the engine. */
  readonly typescript: number;
  readonly engine: number | null;
}

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const ROUNDS = 3;

/** Every size with so many ballots that a run is neither too short nor too long. */
export async function measureBatches(asked: {
  election: Election;
  ballots: readonly ProvenBallot[];
  engine: Bytes | null;
}): Promise<Measured[]> {
  const { election, ballots, engine } = asked;
  const own = new ProofTasks();
  own.begin(election);
  own.rule(ballots.slice(0, 64));
  let accelerated: ProofTasks | null = null;
  if (engine !== null) {
    accelerated = new AcceleratedTasks(await NativeEngine.load(engine, toHex(sha256(engine))));
    accelerated.begin(election);
    accelerated.rule(ballots.slice(0, 64));
  }
  const best = (tasks: ProofTasks, batch: number): number => {
    const some = ballots.slice(0, Math.max(batch, Math.min(64, 16 * batch)));
    let least = Infinity;
    for (let round = 0; round < ROUNDS; round += 1) {
      const begun = performance.now();
      for (let at = 0; at < some.length; at += batch) {
        if (tasks.rule(some.slice(at, at + batch)).some((ruling) => ruling !== null)) throw new Error('refused');
      }
      least = Math.min(least, (performance.now() - begun) / some.length);
    }
    return Math.round(1000 * least) / 1000;
  };
  return SIZES.filter((size) => size <= ballots.length).map((batch) => ({
    batch,
    typescript: best(own, batch),
    engine: accelerated === null ? null : best(accelerated, batch),
  }));
}
