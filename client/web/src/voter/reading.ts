// What a voter's page has to know before it encrypts: the key K, the voter's ballot style and her last ballot. It reads a
// small part of the board and believes nothing that is not proved:
//
//     entry 0       its hash is the election id, so its keys are the ones to hold everything else against
//     checkpoint    signed by that board key and cosigned by a quorum of those witnesses (V01)
//     entries 0 to  each proved to be in the checkpoint's tree and put through the verifier's own fold: K is the sum of
//     `opening`     the guardians' proven commitments (V05 to V07), the roll is what the registrars committed to (V08)
//     her ballots   each proved to be in the tree, its proof verified, in one chain from the first (V09 to V12); only then
//                   is the last one signed as `previous`
//
// The ballots of other voters, and what needs all entries, are the verifier's page's business.
import { equal, fromUtf8, toHex, type Bytes } from '../core/bytes.ts';
import { trackingCode } from '../core/codes.ts';
import { Malformed, readOr } from '../core/errors.ts';
import { eventLoop } from '../core/eventLoop.ts';
import { CHECKPOINT_LIMIT, openCheckpoint, type OpenedCheckpoint } from '../board/checkpoint.ts';
import { isBallot, parseBallot, parseOfficialEntry, wrongSignatures, type OfficialContent } from '../board/entries.ts';
import { electionId, manifestFaults, type Manifest } from '../board/manifest.ts';
import { leafHash } from '../board/merkle.ts';
import { policyFromManifest, type TrustPolicy } from '../board/policy.ts';
import { readTile } from '../board/readTile.ts';
import type { BoardSource } from '../board/source.ts';
import { BUNDLE_LIMIT, TILE_WIDTH, bundlePath, decodeBundle } from '../board/tiles.ts';
import { noteOf, type Check } from '../verifier/checks.ts';
import { FoldDriver } from '../verifier/foldDriver.ts';
import { CallingThread } from '../verifier/pool.ts';
import { beginElection, NO_BALLOT, type ElectionState } from '../verifier/state.ts';
import { Tree } from '../verifier/v02Entries.ts';
import { v05Conclusion, v06Conclusion, v07Conclusion } from '../verifier/v05V06V07Ceremony.ts';
import { v08Conclusion } from '../verifier/v08Roll.ts';
import { v09Conclusion } from '../verifier/v09Form.ts';
import { NotThere, ProvedBoard } from './provedBoard.ts';
import { askWhere, ownMeans, type Means } from './server.ts';

/** Up to this many entries after the opening are read in full; above, the server is asked where to look. */
export const READ_ALL = 1024;

/** This board is not to be voted on; the message says why. */
export class Untrustworthy extends Error {
  override readonly name = 'Untrustworthy';
}

/** The link and the board are about different elections. */
export class OtherElection extends Error {
  override readonly name = 'OtherElection';
}

/** The codes' credential was not on the roll, or was revoked or replaced. */
export class NotOnRoll extends Error {
  override readonly name = 'NotOnRoll';
}

/** A board as of one checkpoint, held to the keys of its manifest. */
export interface BoardView {
  readonly source: BoardSource;
  readonly manifest: Manifest;
  readonly manifestEntry: Bytes;
  readonly electionId: Bytes;
  readonly policy: TrustPolicy;
  /** The signed checkpoint as a file, and what it says. */
  readonly checkpoint: Bytes;
  readonly head: OpenedCheckpoint;
}

export type Advance = (done: number, of: number) => void;

/** Entry 0, known by its hash alone: nothing else about it is proved yet. */
async function readManifestEntry(source: BoardSource, checkpoint: Bytes): Promise<Bytes> {
  // The size only says how wide the first bundle is.
  const size = Number(fromUtf8(checkpoint).split('\n')[1]);
  if (!Number.isSafeInteger(size)) throw new Untrustworthy('the checkpoint cannot be read');
  if (size < 1) throw new NotThere('the board has no entries yet');
  const width = Math.min(TILE_WIDTH, size);
  const file = await readTile(source, (wide) => bundlePath(0, wide), width, BUNDLE_LIMIT);
  if (file === null) throw new NotThere('the first entries are not there');
  return decodeBundle(file.raw, width)[0] as Bytes;
}

async function readCheckpoint(source: BoardSource): Promise<Bytes> {
  const raw = await source.read('checkpoint', CHECKPOINT_LIMIT);
  if (raw === null)
    throw new NotThere(`${source.location} has no checkpoint: this is no board, or it is not published`);
  return raw;
}

/** The quorum stands on the checkpoint. */
export const isWitnessed = (view: { head: OpenedCheckpoint; policy: TrustPolicy }): boolean =>
  view.head.cosignatures.length >= view.policy.quorum;

/**
 * The board that has this election's manifest as entry 0; without `election` whatever manifest is there, and whoever reads
 * it has to compare the election id. Throws OtherElection, Untrustworthy, NotThere, Malformed, Unreachable.
 */
export async function readView(source: BoardSource, election: string | null): Promise<BoardView> {
  const checkpoint = await readCheckpoint(source);
  const manifestEntry = await readManifestEntry(source, checkpoint);
  const id = electionId(manifestEntry);
  if (election !== null && toHex(id) !== election) {
    throw new OtherElection(`this board is of election ${toHex(id)}, the link names ${election}`);
  }
  const { manifest, policy } = readManifest(manifestEntry);
  const head = openCheckpoint(checkpoint, policy.board, policy.witnesses);
  return { source, manifest, manifestEntry, electionId: id, policy, checkpoint, head };
}

/** The manifest and the keys that follow from it. Throws Untrustworthy. */
export function readManifest(entry: Bytes): { manifest: Manifest; policy: TrustPolicy } {
  const read = (): { manifest: Manifest; policy: TrustPolicy } => {
    const official = parseOfficialEntry(entry);
    const manifest = official.content;
    if (manifest.kind !== 'manifest') throw new Malformed('entry 0 is no manifest');
    const fault = manifestFaults(manifest)[0] ?? wrongSignatures(official, manifest);
    if (fault !== null) throw new Untrustworthy(`the manifest is wrong: ${fault}`);
    return { manifest, policy: policyFromManifest(entry) };
  };
  return readOr(read, (reason) => {
    throw new Untrustworthy(`entry 0 is no manifest: ${reason}`);
  });
}

/** The board again, as it is now. */
export async function refreshView(view: BoardView): Promise<BoardView> {
  const checkpoint = await readCheckpoint(view.source);
  return { ...view, checkpoint, head: openCheckpoint(checkpoint, view.policy.board, view.policy.witnesses) };
}

/** A ballot under a credential that is in force on the board. */
export interface SeenBallot {
  readonly index: number;
  readonly bodyHash: Bytes;
  readonly trackingCode: string;
}

/** An entry under a credential that has no effect, and the check that says so. */
export interface StrangeBallot extends SeenBallot {
  readonly check: Check;
}

export interface Standing {
  readonly credential: Bytes;
  /** Index in the manifest's styles. */
  readonly style: number;
  readonly ballots: readonly SeenBallot[];
  readonly strange: readonly StrangeBallot[];
  /** H(body) of the last ballot in force, or 32 zero bytes. */
  readonly previous: Bytes;
  /** False: revoked or replaced. */
  readonly active: boolean;
  /** `server`: the list is the server's, each ballot on it proved; one that it hides is not seen. */
  readonly foundBy: 'board' | 'server';
}

/** Everything up to the opening, checked, and the proved entries after it. */
export class OpenedElection {
  #fed: number[] = [0];
  /** Board indices after the opening that the fold has taken. */
  readonly #taken = new Set<number>();
  closed = false;
  #closing: number | null = null;

  private constructor(
    readonly view: BoardView,
    readonly board: ProvedBoard,
    readonly state: ElectionState,
    readonly fold: FoldDriver,
    readonly opening: number,
    readonly jointKey: Bytes,
  ) {}

  /** Throws NotOpen, Untrustworthy, and what ProvedBoard throws. */
  static async read(view: BoardView, onProgress?: Advance): Promise<OpenedElection> {
    if (!isWitnessed(view)) throw new Untrustworthy('the board’s checkpoint is not witnessed by the quorum');
    const board = await ProvedBoard.open(view.source, view.head);
    const state = beginElection(view.manifest, view.electionId, leafHash(view.manifestEntry));
    const tree = new Tree(new Set(), new Set());
    tree.append(leafHash(view.manifestEntry));
    const fold = new FoldDriver(state, new CallingThread(), tree);
    const fed = [0];
    for (let bundle = 0; bundle < board.bundles && state.opening === null; bundle += 1) {
      const [entries, leaves] = [await board.entries(bundle), await board.leaves(bundle)];
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- the fold sets it
      for (let at = bundle === 0 ? 1 : 0; at < entries.length && state.opening === null; at += 1) {
        await fold.take(entries.slice(at, at + 1), leaves.slice(at, at + 1));
        fed.push(bundle * TILE_WIDTH + at);
        if (at % 16 === 0) await eventLoop();
        onProgress?.(bundle * TILE_WIDTH + at + 1, board.size);
      }
    }
    await fold.settle();
    const failed = [v05Conclusion, v06Conclusion, v07Conclusion, v08Conclusion, v09Conclusion]
      .map((conclusion) => conclusion(state))
      .find((conclusion) => conclusion.state === 'fail');
    if (failed !== undefined) throw new Untrustworthy(failed.notes[0] ?? '');
    const [refusal] = state.refusals;
    if (refusal !== undefined) throw new Untrustworthy(noteOf(refusal));
    if (state.opening === null) throw new NotOpen('voting has not been opened yet');
    const opened = new OpenedElection(view, board, state, fold, fed.at(-1) as number, state.opening.jointKey);
    opened.#fed = fed;
    await opened.#lookAtEnd();
    return opened;
  }

  get votingEntries(): number {
    return this.board.size - this.opening - 1;
  }

  /** A board that was closed ends in entries of the tally. */
  async #lookAtEnd(): Promise<void> {
    const last = await this.board.entries(this.board.bundles - 1);
    for (const entry of last) if (TALLY.has(kindOf(entry, this.view.manifest))) this.closed = true;
  }

  /**
   * What stands under a credential. Boards of few ballots are read in full; for others the server is asked where to look,
   * unless `everything` is wanted. Throws NotOnRoll.
   */
  async standing(
    credential: Bytes,
    options: { everything?: boolean; onProgress?: Advance; means?: Means } = {},
  ): Promise<Standing> {
    const name = toHex(credential);
    const { means = ownMeans } = options;
    const small = options.everything === true || this.votingEntries <= READ_ALL;
    const asked =
      small || !this.state.roll.credentials.has(name)
        ? null
        : await askWhere(this.view.source.location, credential, means);
    const own =
      asked === null ? await this.#scan(credential, options.onProgress) : await this.#fetch(asked, credential);
    const known = this.state.roll.credentials.get(name);
    if (known === undefined) throw new NotOnRoll('this credential is not on the roll');
    const refused = new Map<number | undefined, Check>(
      this.state.refusals.map(({ index, check }) => [this.#fed[index], check]),
    );
    for (const { index } of own) if (this.#closing !== null && index > this.#closing) refused.set(index, 'V04');
    const seen = own.map(({ index, bodyHash }) => ({ index, bodyHash, trackingCode: trackingCode(bodyHash) }));
    const ballots = seen.filter(({ index }) => !refused.has(index));
    return {
      credential,
      style: known.style,
      ballots,
      strange: seen.flatMap((ballot) => {
        const check = refused.get(ballot.index);
        return check === undefined ? [] : [{ ...ballot, check }];
      }),
      previous: ballots.at(-1)?.bodyHash ?? NO_BALLOT,
      active: known.active,
      foundBy: asked === null ? 'board' : 'server',
    };
  }

  /** Every entry after the opening: changes of the roll and this credential's ballots go through the fold. */
  async #scan(credential: Bytes, onProgress?: Advance): Promise<OwnBallot[]> {
    const own: OwnBallot[] = [];
    for (let bundle = Math.floor((this.opening + 1) / TILE_WIDTH); bundle < this.board.bundles; bundle += 1) {
      const entries = await this.board.entries(bundle);
      for (const [at, entry] of entries.entries()) {
        const index = bundle * TILE_WIDTH + at;
        if (index <= this.opening) continue;
        if (isBallot(entry)) {
          const ballot = ownBallot(entry, index, credential);
          if (ballot === null) continue;
          own.push(ballot);
          if (this.#closing === null) await this.#take(entry, index);
          continue;
        }
        const kind = kindOf(entry, this.view.manifest);
        if (kind === 'closing') this.#closing ??= index;
        else if (ROLL.has(kind)) await this.#take(entry, index);
      }
      onProgress?.(Math.min(this.board.size, (bundle + 1) * TILE_WIDTH), this.board.size);
      await eventLoop();
    }
    await this.fold.settle();
    return own;
  }

  /** The entries that the server named. */
  async #fetch(indices: readonly number[], credential: Bytes): Promise<OwnBallot[]> {
    const own: OwnBallot[] = [];
    for (const index of indices) {
      if (index <= this.opening || index >= this.board.size) continue;
      const entry = await this.board.entry(index);
      const ballot = isBallot(entry) ? ownBallot(entry, index, credential) : null;
      if (ballot === null) continue;
      own.push(ballot);
      await this.#take(entry, index);
    }
    await this.fold.settle();
    return own;
  }

  async #take(entry: Bytes, index: number): Promise<void> {
    if (this.#taken.has(index)) return;
    this.#taken.add(index);
    this.#fed.push(index);
    await this.fold.take([entry], [await this.board.leaf(index)]);
  }
}

/** The ceremony or the roll is not complete, or the authority has not opened voting. */
export class NotOpen extends Error {
  override readonly name = 'NotOpen';
}

interface OwnBallot {
  readonly index: number;
  readonly bodyHash: Bytes;
}

const ROLL: ReadonlySet<OfficialContent['kind'] | null> = new Set(['roll-revocation', 'roll-replacement'] as const);
const TALLY: ReadonlySet<OfficialContent['kind'] | null> = new Set([
  'closing',
  'paper-count',
  'partial-decryption',
  'result',
] as const);

/** The kind of an official's entry that is rightly signed; null for anything else. */
function kindOf(entry: Bytes, manifest: Manifest): OfficialContent['kind'] | null {
  const official = isBallot(entry)
    ? null
    : readOr(
        () => parseOfficialEntry(entry),
        () => null,
      );
  return official !== null && wrongSignatures(official, manifest) === null ? official.content.kind : null;
}

function ownBallot(entry: Bytes, index: number, credential: Bytes): OwnBallot | null {
  const ballot = readOr(
    () => parseBallot(entry),
    () => null,
  );
  return ballot !== null && equal(ballot.credential, credential) ? { index, bodyHash: ballot.bodyHash } : null;
}
