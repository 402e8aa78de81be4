// From a proved ballot to a checked receipt (docs/spec 9.2). The entry is kept in the tab before it is first sent and until
// its receipt is checked; whatever happens in between, the same bytes are sent again: they stand on the board once or not
// at all.
import { equal, toHex, type Bytes } from '../core/bytes.ts';
import { readOr } from '../core/errors.ts';
import { parseBallot } from '../board/entries.ts';
import { leafHash } from '../board/merkle.ts';
import { TILE_WIDTH } from '../board/tiles.ts';
import { contradiction, formatEvidence, type Held } from './evidence.ts';
import { forgetPending, keepPending, type Keeping } from './pending.ts';
import { ProvedBoard } from './provedBoard.ts';
import { isWitnessed, refreshView, type BoardView } from './reading.ts';
import { checkReceipt, makeReceipt, WrongReceipt, type CheckedReceipt } from './receipts.ts';
import { NoAnswer, ownMeans, Refused, sendBallot, type Means } from './server.ts';

/** How sending ended. */
export type Outcome =
  /** On the board for good. `compared`: the board was read again and continues what the voter was shown. */
  | { readonly kind: 'recorded'; readonly receipt: CheckedReceipt; readonly compared: boolean }
  /** On a board that contradicts what this voter was shown or given; the file proves it. */
  | { readonly kind: 'contradiction'; readonly receipt: CheckedReceipt; readonly evidence: Bytes }
  /** Not on the board, and the same bytes never will be. Nothing is kept any more. */
  | { readonly kind: 'refused'; readonly refusal: Refused }
  /** Not on the board now; the same bytes may be sent again later. They are still kept. */
  | { readonly kind: 'later'; readonly refusal: Refused }
  /** Nobody knows. The same bytes have to be sent again; they are still kept. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The answer proves nothing and the ballot was not found on the board. The bytes are still kept. */
  | { readonly kind: 'wrong receipt'; readonly reason: string; readonly answer: Bytes };

export interface Casting {
  readonly storage: Keeping;
  readonly means?: Means;
  readonly onStage?: (stage: 'sending' | 'checking') => void;
}

/** Problems that say nothing about these bytes for good. */
const LATER = new Set([
  'too-many-ballots',
  'origin-not-allowed',
  'not-found',
  'method-not-allowed',
  'not-ready',
  'busy',
  'not-stored',
  'body-too-slow',
]);

/** Sends a ballot entry, perhaps again. `view` is the board as the voter was shown it. */
export async function castEntry(view: BoardView, entry: Bytes, casting: Casting): Promise<Outcome> {
  const election = toHex(view.electionId);
  keepPending(casting.storage, { board: view.source.location, election, entry });
  const outcome = await sendAndCheck(view, entry, casting);
  const done = outcome.kind === 'recorded' || outcome.kind === 'contradiction' || outcome.kind === 'refused';
  if (done) forgetPending(casting.storage, election);
  return outcome;
}

async function sendAndCheck(view: BoardView, entry: Bytes, { means = ownMeans, onStage }: Casting): Promise<Outcome> {
  onStage?.('sending');
  let answer: Bytes;
  try {
    answer = await sendBallot(view.source.location, entry, means);
  } catch (error) {
    if (error instanceof NoAnswer) return { kind: 'unknown', reason: error.message };
    if (!(error instanceof Refused)) throw error;
    if (LATER.has(error.problem)) return { kind: 'later', refusal: error };
    // A refusal is the server's word; the board is what counts.
    const found = await findReceipt(view, entry);
    if (found === 'unread') return { kind: 'later', refusal: error };
    return found === null ? { kind: 'refused', refusal: error } : compare(view, found);
  }
  onStage?.('checking');
  try {
    return await compare(view, checkReceipt(answer, entry, view.policy));
  } catch (error) {
    if (!(error instanceof WrongReceipt)) throw error;
    const found = await findReceipt(view, entry);
    if (found === null || found === 'unread') return { kind: 'wrong receipt', reason: error.message, answer };
    return compare(view, found);
  }
}

/** The board as it is now, opened; null where it cannot be read: then nothing is compared. */
async function readNow(view: BoardView): Promise<{ now: BoardView; board: ProvedBoard | null } | null> {
  try {
    const now = await refreshView(view);
    return { now, board: await ProvedBoard.open(now.source, now.head).catch(() => null) };
  } catch {
    return null;
  }
}

/**
 * The board has to be the one that the voter was shown before, and the one that the receipt is of. A board that shows less
 * than its key signed, or not the files that it takes to compare, was not compared.
 */
async function compare(view: BoardView, receipt: CheckedReceipt): Promise<Outcome> {
  const read = await readNow(view);
  if (read === null) return { kind: 'recorded', receipt, compared: false };
  const shown: Held = { size: view.head.size, root: view.head.root, checkpoint: view.checkpoint };
  let compared = read.board !== null;
  for (const held of [heldOf(receipt), shown]) {
    const evidence = await contradiction(read.now, read.board, held).catch(() => 'unread' as const);
    if (evidence === 'unread' || held.size > read.now.head.size) compared = false;
    if (evidence === null || evidence === 'unread') continue;
    return { kind: 'contradiction', receipt, evidence: formatEvidence(evidence) };
  }
  return { kind: 'recorded', receipt, compared };
}

const heldOf = ({ raw, entry, index, checkpoint, size, root }: CheckedReceipt): Held => ({
  size,
  root,
  checkpoint,
  receipt: { raw, entry, index },
});

/** A receipt made from the board, if the entry stands there; null if the whole board was read and it does not. */
async function findReceipt(view: BoardView, entry: Bytes): Promise<CheckedReceipt | 'unread' | null> {
  const read = await readNow(view);
  if (read === null || read.board === null || read.now.head.size < view.head.size) return 'unread';
  try {
    const index = await findLeaf(read.board, leafHash(entry));
    if (index === null) return null;
    return checkReceipt(await makeReceipt(read.now, read.board, index), entry, view.policy);
  } catch {
    return 'unread';
  }
}

/** Where this leaf stands, looked for from the newest entry back; null if nowhere. */
async function findLeaf(board: ProvedBoard, leaf: Bytes): Promise<number | null> {
  for (let bundle = board.bundles - 1; bundle >= 0; bundle -= 1) {
    const at = (await board.leaves(bundle)).findIndex((one) => equal(one, leaf));
    if (at >= 0) return bundle * TILE_WIDTH + at;
  }
  return null;
}

/** A receipt with more cosignatures, once there are some; the same receipt while there are not, or the contradiction. */
export type Renewed =
  | { readonly kind: 'receipt'; readonly receipt: CheckedReceipt }
  | { readonly kind: 'contradiction'; readonly evidence: Bytes };

/** Looks whether the quorum has cosigned a checkpoint that covers the ballot. */
export async function renewReceipt(view: BoardView, receipt: CheckedReceipt): Promise<Renewed> {
  const read = await readNow(view);
  const same: Renewed = { kind: 'receipt', receipt };
  if (read === null) return same;
  const evidence = await contradiction(read.now, read.board, heldOf(receipt)).catch(() => null);
  if (evidence !== null) return { kind: 'contradiction', evidence: formatEvidence(evidence) };
  const covers = read.now.head.size > receipt.index && isWitnessed(read.now);
  if (!covers || read.board === null) return same;
  try {
    const raw = await makeReceipt(read.now, read.board, receipt.index);
    return { kind: 'receipt', receipt: checkReceipt(raw, receipt.entry, view.policy) };
  } catch {
    return same; // the files changed meanwhile; the next look finds out
  }
}

/** Whether bytes are a ballot entry of this election: what a `.ballot` file or a kept entry has to be. */
export function isBallotOf(entry: Bytes, electionId: Bytes): boolean {
  return readOr(
    () => equal(parseBallot(entry).election, electionId),
    () => false,
  );
}
