// Receipts (docs/spec 9.2): held to the bytes that were sent and to the policy's keys, made anew from the board when the one
// that the server gave is lost or not yet witnessed.
import { concat, fromUtf8, toBase64, utf8, type Bytes } from '../core/bytes.ts';
import { trackingCode } from '../core/codes.ts';
import { readOr } from '../core/errors.ts';
import { openCheckpoint } from '../board/checkpoint.ts';
import { parseBallot } from '../board/entries.ts';
import { leafHash, verifyInclusion } from '../board/merkle.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { parseReceipt } from '../board/receipt.ts';
import type { ProvedBoard } from './provedBoard.ts';
import type { BoardView } from './reading.ts';

/** What the server answered proves nothing about the ballot that was sent. */
export class WrongReceipt extends Error {
  override readonly name = 'WrongReceipt';
}

/** These bytes prove that the entry is number `index` of a board whose operator signed for it. */
export interface CheckedReceipt {
  readonly raw: Bytes;
  readonly entry: Bytes;
  readonly index: number;
  /** The signed checkpoint in it, and what it says. */
  readonly checkpoint: Bytes;
  readonly size: number;
  readonly root: Bytes;
  readonly trackingCode: string;
  readonly bodyHash: Bytes;
  /** How many of the policy's witnesses cosigned it, and how many make the quorum. */
  readonly cosignatures: number;
  readonly quorum: number;
}

/** False while too few witnesses have cosigned; an election without witnesses has a quorum of none. */
export const witnessed = (receipt: CheckedReceipt): boolean => receipt.cosignatures >= receipt.quorum;

/** Throws WrongReceipt. */
export function checkReceipt(raw: Bytes, entry: Bytes, policy: TrustPolicy): CheckedReceipt {
  const read = (): CheckedReceipt => {
    const { index, exactIndex, hashes, checkpoint } = parseReceipt(raw);
    const { size, exactSize, root, cosignatures } = openCheckpoint(checkpoint, policy.board, policy.witnesses);
    if (!verifyInclusion(leafHash(entry), exactIndex, exactSize, hashes, root)) {
      throw new WrongReceipt('the inclusion proof does not lead from the ballot to the checkpoint');
    }
    const { bodyHash } = parseBallot(entry);
    return {
      raw,
      entry,
      index,
      checkpoint,
      size,
      root,
      trackingCode: trackingCode(bodyHash),
      bodyHash,
      cosignatures: cosignatures.length,
      quorum: policy.quorum,
    };
  };
  return readOr(read, (reason) => {
    throw new WrongReceipt(reason);
  });
}

/** A receipt for entry `index` from the board's own tiles; as good as one that the server sends. */
export async function makeReceipt(view: BoardView, board: ProvedBoard, index: number): Promise<Bytes> {
  const hashes = await board.inclusionProof(index);
  const lines = ['c2sp.org/tlog-proof@v1', `index ${index}`, ...hashes.map(toBase64), '', ''].join('\n');
  return concat(utf8(lines), view.checkpoint);
}

/** The tracking code of any ballot entry: Malformed if it is none. */
export function codeOfEntry(entry: Bytes): string {
  return trackingCode(parseBallot(entry).bodyHash);
}

/** Names of the two files that a voter keeps: the same stem as `retally vote` gives them. */
export function receiptFiles(receipt: CheckedReceipt): { readonly proof: string; readonly ballot: string } {
  return { proof: `${receipt.trackingCode}.tlog-proof`, ballot: `${receipt.trackingCode}.ballot` };
}

/** The checkpoint that a receipt carries, without looking at its proof. Throws Malformed. */
export function checkpointOf(
  raw: Bytes,
  policy: TrustPolicy,
): { raw: Bytes; size: number; root: Bytes; index: number } {
  const { index, checkpoint } = parseReceipt(raw);
  const { size, root } = openCheckpoint(checkpoint, policy.board, policy.witnesses);
  return { raw: checkpoint, size, root, index };
}

/** For files whose name was changed: whether these bytes are a receipt. */
export function looksLikeReceipt(raw: Bytes): boolean {
  return fromUtf8Start(raw).startsWith('c2sp.org/tlog-proof@v1\n');
}

function fromUtf8Start(raw: Bytes): string {
  try {
    return fromUtf8(raw.slice(0, 32));
  } catch {
    return '';
  }
}
