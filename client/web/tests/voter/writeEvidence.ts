// Prints files of evidence as the page writes them, base64 by name: what `retally adjudicate` has to understand
// (tests/integration/test_web_evidence.py). Run by vite-node.
import { toBase64, utf8, type Bytes } from '../../src/core/bytes.ts';
import { contradiction, formatEvidence } from '../../src/voter/evidence.ts';
import { ProvedBoard, treeHash } from '../../src/voter/provedBoard.ts';
import { readView } from '../../src/voter/reading.ts';
import { leafHash } from '../../src/board/merkle.ts';
import { electionHex, FakeServer, receiptOf, signedCheckpoint } from './fakeServer.ts';

const RECEIPT_AT = 20;
const RECEIPT_SIZE = 40;

/** A board of `size` entries whose entries after the opening bear `label`. */
function board(label: string, size: number): FakeServer {
  const server = new FakeServer();
  const noise = Array.from({ length: size - server.entries.length }, (_, at) => utf8(`{"${label}":${at}}`));
  server.append(...noise);
  return server;
}

/** What a voter with a receipt of board `a` gets to keep when the page meets `today`; an empty text if nothing. */
async function met(today: FakeServer, witnesses: readonly number[], withReceipt = true): Promise<string> {
  const entries: readonly Bytes[] = board('a', RECEIPT_SIZE).entries;
  const view = await readView(today, electionHex);
  const receipt = {
    raw: receiptOf(entries, RECEIPT_AT, witnesses),
    entry: entries[RECEIPT_AT] ?? null,
    index: RECEIPT_AT,
  };
  const evidence = await contradiction(view, await ProvedBoard.open(today, view.head), {
    size: entries.length,
    root: treeHash(entries.map(leafHash)),
    checkpoint: signedCheckpoint(entries, witnesses),
    ...(withReceipt ? { receipt } : {}),
  });
  return evidence === null ? '' : toBase64(formatEvidence(evidence));
}

const files = {
  'another root': await met(board('b', 40), []),
  'a board that grew from another history': await met(board('b', 300), [2]),
  'a shorter board with another entry': await met(board('b', 30), [1, 3]),
  'a kept checkpoint without a receipt': await met(board('b', 300), [1, 2, 3], false),
  'the same board, grown': await met(board('a', 300), [1, 2, 3]),
};
process.stdout.write(JSON.stringify(files));
