// V01 to V20 over a board, read once from the first entry to the last, and one verdict (docs/spec page 8).
//
//     V01       the checkpoint: the board's signature, the witnesses' quorum
//     V02       each bundle hashes to its tile, all of them to the root; kept checkpoints and receipts agree
//     V03       entry 0 is the policy's manifest
//     V04-V20   the fold over the entries
//
// What an adversary can write into the files never throws: it fails its check.
import { equal, toHex, type Bytes } from '../core/bytes.ts';
import type { OpenedCheckpoint } from '../board/checkpoint.ts';
import { electionId } from '../board/manifest.ts';
import { leafHash } from '../board/merkle.ts';
import type { TrustPolicy } from '../board/policy.ts';
import type { BoardSource } from '../board/source.ts';
import { conclude, type Check, type Conclusion } from './checks.ts';
import { Control, Pace, type Phase, type Progress } from './control.ts';
import { FoldDriver } from './foldDriver.ts';
import { CallingThread, type Pool } from './pool.ts';
import { reportOf, type Findings, type Report } from './report.ts';
import { beginElection, type ElectionState } from './state.ts';
import { v01Checkpoint } from './v01Checkpoint.ts';
import { holdAgainst, readClaims, type Claims } from './v02Claims.ts';
import { Contradiction, NotThere, Tree, readBundles } from './v02Entries.ts';
import { v03Manifest, type V03 } from './v03Manifest.ts';
import { readEffects, v04Conclusion, type Effect } from './v04Times.ts';
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
  const found = await findingsOf(source, policy, options);
  return reportOf({ ...found, location: source.location, policy, seconds: (performance.now() - begun) / 1000 });
}

type Found = Omit<Findings, 'location' | 'policy' | 'seconds'>;

/** Goes on from check to check as long as there is something to go on from. */
async function findingsOf(source: BoardSource, policy: TrustPolicy, options: Options): Promise<Found> {
  const watch = watchOf(options);
  const conclusions = new Map<Check, Conclusion>();
  const nothing = { head: null, manifest: null, state: null, conclusions };

  watch.say('checkpoint', 0, 0, 0);
  const v01 = await v01Checkpoint(source, policy);
  conclusions.set('V01', v01.conclusion);
  if (v01.opened === null) return { ...nothing, why: V01_FAILS };
  const { size, root } = v01.opened;
  const head = { size, root, raw: v01.raw };

  const claims = readClaims(policy, options.kept ?? [], options.receipts ?? []);
  const effects = await readEffects(source, policy);
  const tree = treeFor(claims, effects);
  const read = await readEntries(source, v01.opened, {
    policy,
    tree,
    pool: options.pool ?? new CallingThread(),
    watch,
  });
  if (read.failures.length > 0 || read.missing.length > 0) {
    conclusions.set('V02', conclude(read.failures, read.missing, claims.ignored));
    return { ...nothing, head, why: V02_FAILS };
  }
  const held = holdAgainst(claims, tree);
  conclusions.set('V02', conclude(held.failures, [], held.ignored));

  const { conclusion, manifest } = read.v03 ?? v03Manifest(undefined, policy);
  conclusions.set('V03', conclusion);
  const { state } = read;
  if (state === null) return { ...nothing, head, manifest, why: V03_FAILS };

  await watch.proceed();
  watch.say('decryption', size, size, state.ballots.proved);
  conclusions.set('V04', v04Conclusion(state, effects, policy, tree));
  for (const [check, concluded] of CONCLUSIONS) conclusions.set(check, concluded(state));
  return { head, manifest, state, conclusions, why: '' };
}

/** Who follows the verification hears how far it is, and can pause it or give it up. */
interface Watch {
  say(phase: Phase, done: number, of: number, ballots: number): void;
  /** Waits as long as it is paused. Throws Aborted. */
  proceed(): Promise<void>;
}

function watchOf({ control = new Control(), onProgress }: Options): Watch {
  const pace = new Pace();
  return {
    say: (phase, done, of, ballots) => onProgress?.(pace.report(phase, done, of, ballots)),
    proceed: () => pace.idle(() => control.proceed()),
  };
}

/** A tree that remembers what claims and times will be held against: one pass over the entries has to meet it all. */
function treeFor({ claims }: Claims, effects: readonly Effect[]): Tree {
  const sizes = [...claims.map((claim) => claim.size), ...effects.map((effect) => effect.checkpoint?.size ?? 0)];
  return new Tree(new Set(sizes), new Set(claims.map(({ receipt }) => receipt?.index ?? -1)));
}

interface Entries {
  /** Of V02. */
  readonly failures: readonly string[];
  readonly missing: readonly string[];
  /** null where not even entry 0 could be read. */
  readonly v03: V03 | null;
  /** After all entries; null where V03 fails. */
  readonly state: ElectionState | null;
}

/** Entry 0 begins the fold, if it is the policy's manifest; every entry grows the tree, whatever it says. */
async function readEntries(
  source: BoardSource,
  { size, root }: OpenedCheckpoint,
  { policy, tree, pool, watch }: { policy: TrustPolicy; tree: Tree; pool: Pool; watch: Watch },
): Promise<Entries> {
  let v03: V03 | null = null;
  let driver: FoldDriver | null = null;
  const say = () => watch.say('entries', tree.size, size, driver?.state.ballots.proved ?? 0);
  const ended = (failures: string[], missing: string[]) => ({ failures, missing, v03, state: driver?.state ?? null });
  try {
    for await (const { entries, leaves } of readBundles(source, size)) {
      await watch.proceed();
      const manifestHere = tree.size === 0 ? 1 : 0;
      if (manifestHere === 1) {
        v03 = v03Manifest(entries[0], policy);
        tree.append(leaves[0] as Bytes);
        driver = driverOf(v03, entries[0] as Bytes, pool, tree);
      }
      const rest = leaves.slice(manifestHere);
      if (driver !== null) await driver.take(entries.slice(manifestHere), rest);
      else for (const leaf of rest) tree.append(leaf);
      say();
    }
    await driver?.settle();
    say();
  } catch (error) {
    if (error instanceof NotThere) return ended([], [error.message]);
    if (error instanceof Contradiction) return ended([error.message], []);
    throw error;
  }
  const own = tree.root();
  if (equal(own, root)) return ended([], []);
  return ended([`the ${size} entries hash to ${toHex(own)}, the checkpoint says ${toHex(root)}`], []);
}

function driverOf({ manifest, conclusion }: V03, entry: Bytes, pool: Pool, tree: Tree): FoldDriver | null {
  if (manifest === null || conclusion.state !== 'pass') return null;
  return new FoldDriver(beginElection(manifest, electionId(entry), leafHash(entry)), pool, tree);
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
