// V01 to V20 over a board, read once from the first entry to the last, and one verdict (docs/spec page 8).
//
//     V01       the checkpoint: the board's signature, the witnesses' quorum
//     V02       each bundle hashes to its tile, all of them to the root; kept checkpoints and receipts agree
//     V03       entry 0 is the policy's manifest
//     V04-V20   the fold over the entries
//
// What an adversary can write into the files never throws: it fails its check.
import { equal, toHex, type Bytes } from '../core/bytes.ts';
import { leafHash } from '../board/merkle.ts';
import { electionId } from '../board/manifest.ts';
import type { TrustPolicy } from '../board/policy.ts';
import type { BoardSource } from '../board/source.ts';
import { conclude, type Check, type Conclusion } from './checks.ts';
import { Control, Pace, type Phase, type Progress } from './control.ts';
import { Fold } from './fold.ts';
import { CallingThread, type Pool } from './pool.ts';
import { reportOf, type Report } from './report.ts';
import { beginElection, type ElectionState } from './state.ts';
import { v01Checkpoint } from './v01Checkpoint.ts';
import { holdAgainst, readClaims } from './v02Claims.ts';
import { Contradiction, NotThere, Tree, readBundles } from './v02Entries.ts';
import { v03Manifest, type V03 } from './v03Manifest.ts';
import { readEffects, v04Conclusion } from './v04Times.ts';
import { v05Conclusion, v06Conclusion, v07Conclusion } from './v05V06V07Ceremony.ts';
import { v08Conclusion } from './v08Roll.ts';
import { v09Conclusion } from './v09Form.ts';
import { ballotsConclusion } from './v11V12V13Ballots.ts';
import { v14Conclusion, v15Conclusion } from './v14V15Counting.ts';
import { v16Conclusion, v17Conclusion, v18Conclusion } from './v16V17V18Decryption.ts';
import { v19Conclusion, v20Conclusion } from './v19V20Result.ts';

export interface Options {
  /** Checkpoints accepted earlier, and voters' `.tlog-proof` files. */
  readonly kept?: readonly Bytes[];
  readonly receipts?: readonly Bytes[];
  /** Without one, the calling thread does all the work. */
  readonly pool?: Pool;
  readonly onProgress?: (progress: Progress) => void;
  readonly control?: Control;
}

const V01_FAILS = 'V01 fails: there is no checkpoint to hold the entries against';
const V02_FAILS = 'V02: these entries are not those of the checkpoint';
const V03_FAILS = "V03 fails: the entries cannot be trusted to be the board's";

/** Every check over one board. Throws Unreachable where the board could not be read, Aborted when given up. */
export async function verify(source: BoardSource, policy: TrustPolicy, options: Options = {}): Promise<Report> {
  const begun = performance.now();
  const control = options.control ?? new Control();
  const pace = new Pace();
  const proceed = () => pace.idle(() => control.proceed());
  const say = (phase: Phase, done: number, of: number, ballots: number) =>
    options.onProgress?.(pace.report(phase, done, of, ballots));
  const conclusions = new Map<Check, Conclusion>();
  const finish = (why: string, rest: { head?: Head; manifest?: V03['manifest']; state?: ElectionState }): Report =>
    reportOf({
      location: source.location,
      policy,
      head: rest.head ?? null,
      manifest: rest.manifest ?? null,
      state: rest.state ?? null,
      conclusions,
      why,
      seconds: (performance.now() - begun) / 1000,
    });

  say('checkpoint', 0, 0, 0);
  const v01 = await v01Checkpoint(source, policy);
  conclusions.set('V01', v01.conclusion);
  if (v01.opened === null) return finish(V01_FAILS, {});
  const { size, root } = v01.opened;
  const head: Head = { size, root, raw: v01.raw };

  const claims = readClaims(policy, options.kept ?? [], options.receipts ?? []);
  const effects = await readEffects(source, policy);
  const sizes = [...claims.claims.map((claim) => claim.size), ...effects.map((effect) => effect.checkpoint?.size ?? 0)];
  const tree = new Tree(new Set(sizes), new Set(claims.claims.map(({ receipt }) => receipt?.index ?? -1)));

  const reading = new Reading(policy, tree, options.pool ?? new CallingThread());
  const failures: string[] = [];
  const missing: string[] = [];
  try {
    for await (const { entries, leaves } of readBundles(source, size)) {
      await proceed();
      await reading.take(entries, leaves);
      say('entries', tree.size, size, reading.fold?.state.ballots.proved ?? 0);
    }
    await reading.fold?.settle();
    say('entries', tree.size, size, reading.fold?.state.ballots.proved ?? 0);
    if (!equal(tree.root(), root)) {
      failures.push(`the ${size} entries hash to ${toHex(tree.root())}, the checkpoint says ${toHex(root)}`);
    }
  } catch (error) {
    if (error instanceof NotThere) missing.push(error.message);
    else if (error instanceof Contradiction) failures.push(error.message);
    else throw error;
  }
  if (failures.length > 0 || missing.length > 0) {
    conclusions.set('V02', conclude(failures, missing, claims.ignored));
    return finish(V02_FAILS, { head });
  }
  const held = holdAgainst(claims, tree);
  conclusions.set('V02', conclude(held.failures, [], held.ignored));

  const v03 = reading.v03 ?? v03Manifest(undefined, policy);
  conclusions.set('V03', v03.conclusion);
  const state = reading.fold?.state;
  if (state === undefined) return finish(V03_FAILS, { head, manifest: v03.manifest });

  await proceed();
  say('decryption', size, size, state.ballots.proved);
  conclusions.set('V04', v04Conclusion(state, effects, policy, tree));
  for (const [check, concluded] of CONCLUSIONS) conclusions.set(check, concluded(state));
  return finish('', { head, manifest: v03.manifest, state });
}

interface Head {
  readonly size: number;
  readonly root: Bytes;
  readonly raw: Bytes;
}

/** Entry 0 opens the fold, if it is the policy's manifest; every entry grows the tree, whatever it says. */
class Reading {
  v03: V03 | null = null;
  fold: Fold | null = null;

  constructor(
    readonly policy: TrustPolicy,
    readonly tree: Tree,
    readonly pool: Pool,
  ) {}

  async take(entries: readonly Bytes[], leaves: readonly Bytes[]): Promise<void> {
    const [first, ...rest] = entries;
    if (this.v03 !== null || first === undefined) return this.#follow(entries, leaves);
    this.v03 = v03Manifest(first, this.policy);
    const { manifest, conclusion } = this.v03;
    if (manifest !== null && conclusion.state === 'pass') {
      const state = beginElection(manifest, electionId(first), leafHash(first));
      this.fold = new Fold(state, this.pool, this.tree);
    }
    this.tree.append(leaves[0] as Bytes);
    return this.#follow(rest, leaves.slice(1));
  }

  async #follow(entries: readonly Bytes[], leaves: readonly Bytes[]): Promise<void> {
    if (this.fold !== null) return this.fold.take(entries, leaves);
    for (const leaf of leaves) this.tree.append(leaf);
  }
}

const CONCLUSIONS: readonly (readonly [Check, (state: ElectionState) => Conclusion])[] = [
  ['V05', v05Conclusion],
  ['V06', v06Conclusion],
  ['V07', v07Conclusion],
  ['V08', v08Conclusion],
  ['V09', v09Conclusion],
  ['V10', (state) => ballotsConclusion(state, 'V10')],
  ['V11', (state) => ballotsConclusion(state, 'V11')],
  ['V12', (state) => ballotsConclusion(state, 'V12')],
  ['V13', (state) => ballotsConclusion(state, 'V13')],
  ['V14', v14Conclusion],
  ['V15', v15Conclusion],
  ['V16', v16Conclusion],
  ['V17', v17Conclusion],
  ['V18', v18Conclusion],
  ['V19', v19Conclusion],
  ['V20', v20Conclusion],
];
