// What became of a ballot: found by its tracking code or its receipt, each answer proved from the board (docs/spec 6.7, 7.1,
// 9.2). That it is nowhere is proved only by reading the whole board.
import type { Bytes } from '../core/bytes.ts';
import { trackingCode } from '../core/codes.ts';
import { Malformed, readOr } from '../core/errors.ts';
import { isBallot, parseBallot, type Ballot } from '../board/entries.ts';
import { verifyInclusion } from '../board/merkle.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { parseReceipt } from '../board/receipt.ts';
import { TILE_WIDTH } from '../board/tiles.ts';
import type { Check } from '../verifier/checks.ts';
import { contradiction, formatEvidence } from './evidence.ts';
import { NotOnRoll, READ_ALL, type Advance, type OpenedElection } from './reading.ts';
import { checkpointOf, checkReceipt, WrongReceipt } from './receipts.ts';
import { askCode, ownMeans, type Means } from './server.ts';

export interface Found {
  readonly kind: 'found';
  readonly index: number;
  readonly trackingCode: string;
  /** `counts`: it is the last of its chain, and voting is closed. `stands`: it is the last so far. */
  readonly fate: 'counts' | 'stands' | 'superseded' | 'refused';
  /** With `superseded`: the ballot that took its place. */
  readonly later: number | null;
  /** With `refused`: the check that says so. */
  readonly check: Check | null;
  /** `server`: it was told where to look, so it could have kept a later ballot to itself. */
  readonly foundBy: 'board' | 'server';
}

export type Tracked =
  | Found
  /** `certain`: the whole board was read. */
  | { readonly kind: 'not found'; readonly certain: boolean };

export interface Search {
  /** Read the whole board, however long it is. */
  readonly everything?: boolean;
  readonly onProgress?: Advance;
  readonly means?: Means;
}

/** By its tracking code, in canonical form. */
export async function trackCode(opened: OpenedElection, code: string, search: Search = {}): Promise<Tracked> {
  const all = search.everything === true || opened.votingEntries <= READ_ALL;
  const index = all ? await scanFor(opened, code, search.onProgress) : await asked(opened, code, search.means);
  if (index === null) return { kind: 'not found', certain: all };
  return fateOf(opened, index, search);
}

async function asked(opened: OpenedElection, code: string, means: Means = ownMeans): Promise<number | null> {
  const index = await askCode(opened.view.source.location, code, means);
  if (index === null || index <= opened.opening || index >= opened.board.size) return null;
  return codeAt(await opened.board.entry(index)) === code ? index : null;
}

async function scanFor(opened: OpenedElection, code: string, onProgress?: Advance): Promise<number | null> {
  const { board } = opened;
  for (let bundle = Math.floor((opened.opening + 1) / TILE_WIDTH); bundle < board.bundles; bundle += 1) {
    const at = (await board.entries(bundle)).findIndex((entry) => codeAt(entry) === code);
    if (at >= 0) return bundle * TILE_WIDTH + at;
    onProgress?.(Math.min(board.size, (bundle + 1) * TILE_WIDTH), board.size);
  }
  return null;
}

function ballotOf(entry: Bytes): Ballot | null {
  return isBallot(entry)
    ? readOr(
        () => parseBallot(entry),
        () => null,
      )
    : null;
}

function codeAt(entry: Bytes): string | null {
  const ballot = ballotOf(entry);
  return ballot === null ? null : trackingCode(ballot.bodyHash);
}

/** What the ballot at `index` is worth. Throws Malformed if there is none. */
async function fateOf(opened: OpenedElection, index: number, search: Search): Promise<Found> {
  const ballot = ballotOf(await opened.board.entry(index));
  if (ballot === null) throw new Malformed(`entry ${index} is not a ballot`);
  const found = {
    kind: 'found',
    index,
    trackingCode: trackingCode(ballot.bodyHash),
    later: null,
    check: null,
  } as const;
  try {
    const standing = await opened.standing(ballot.credential, search);
    const { ballots, strange, foundBy } = standing;
    if (!ballots.some((one) => one.index === index)) {
      const check = strange.find((one) => one.index === index)?.check ?? null;
      return { ...found, fate: 'refused', check, foundBy };
    }
    const last = ballots.at(-1)?.index ?? index;
    if (last !== index) return { ...found, fate: 'superseded', later: last, foundBy };
    return { ...found, fate: opened.closed ? 'counts' : 'stands', foundBy };
  } catch (error) {
    if (error instanceof NotOnRoll) return { ...found, fate: 'refused', check: 'V11', foundBy: 'board' };
    throw error;
  }
}

/** What the receipt's checkpoint says, and why it does not prove this entry; a text where not even that can be read. */
function readReceipt(
  raw: Bytes,
  entry: Bytes | null,
  policy: TrustPolicy,
): { size: number; root: Bytes; index: number; checkpoint: Bytes; fault: string | null } | string {
  const opened = readOr(
    () => checkpointOf(raw, policy),
    (reason) => reason,
  );
  if (typeof opened === 'string') return opened;
  const { raw: checkpoint, ...says } = opened;
  if (says.index >= says.size) return `its checkpoint of ${says.size} entries does not cover entry ${says.index}`;
  return { ...says, checkpoint, fault: entry === null ? null : entryFault(raw, entry, policy) };
}

function entryFault(raw: Bytes, entry: Bytes, policy: TrustPolicy): string | null {
  try {
    checkReceipt(raw, entry, policy);
    return null;
  } catch (error) {
    if (error instanceof WrongReceipt) return error.message;
    throw error;
  }
}

export type TrackedReceipt =
  | { readonly kind: 'fits'; readonly found: Found }
  /** The board contradicts what its key signed; the file proves it. */
  | { readonly kind: 'contradiction'; readonly evidence: Bytes }
  /** The board shows fewer entries than the receipt's checkpoint: an old copy, or entries taken back. No proof of either. */
  | { readonly kind: 'shorter'; readonly size: number; readonly shown: number }
  /** The receipt itself is wrong, and proves nothing. */
  | { readonly kind: 'wrong'; readonly reason: string };

/** By its receipt, and the entry that was sent for it if that was kept too. */
export async function trackReceipt(
  opened: OpenedElection,
  raw: Bytes,
  entry: Bytes | null,
  search: Search = {},
): Promise<TrackedReceipt> {
  const { view, board } = opened;
  const own = readReceipt(raw, entry, view.policy);
  if (typeof own === 'string') return { kind: 'wrong', reason: own };
  const { size, root, index, checkpoint, fault } = own;
  const receipt = { raw, entry: fault === null ? entry : null, index };
  const evidence = await contradiction(view, board, { size, root, checkpoint, receipt });
  if (evidence !== null) return { kind: 'contradiction', evidence: formatEvidence(evidence) };
  if (fault !== null) return { kind: 'wrong', reason: fault };
  if (index >= board.size) return { kind: 'shorter', size, shown: board.size };
  const leaf = await board.leaf(index);
  if (!verifyInclusion(leaf, index, size, parseReceipt(raw).hashes, root)) {
    return { kind: 'wrong', reason: `its proof does not lead from entry ${index} to its checkpoint` };
  }
  const found = ballotOf(await board.entry(index));
  if (found === null) return { kind: 'wrong', reason: `entry ${index} is not a ballot` };
  return { kind: 'fits', found: await fateOf(opened, index, search) };
}
