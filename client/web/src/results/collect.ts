// A whole board as the files of a folder that any verifier reads (docs/spec 3.1). Entries are fetched, hash tiles are
// computed from them, and nothing is handed out unless it all hashes to the checkpoint.

import { be, concat, equal, type Bytes } from '../core/bytes.ts';
import { CHECKPOINT_LIMIT, openCheckpoint } from '../board/checkpoint.ts';
import { leafHash } from '../board/merkle.ts';
import type { TrustPolicy } from '../board/policy.ts';
import type { BoardSource } from '../board/source.ts';
import { bundlePath, tilePath } from '../board/tiles.ts';
import { readEntries, WrongBoard } from './checkedBoard.ts';
import type { ArchiveFile } from './tar.ts';
import { perfectRoot, rootOfEdges, WIDTH } from './treeEdge.ts';

const NAMED = ['checkpoint.opening', 'checkpoint.closing'] as const;

/** All files of the board at its newest checkpoint. Throws WrongBoard, or what the board's notes throw. */
export async function collectBoard(
  source: BoardSource,
  policy: TrustPolicy,
  onProgress: (done: number, of: number) => void,
): Promise<readonly ArchiveFile[]> {
  const raw = await source.read('checkpoint', CHECKPOINT_LIMIT);
  if (!raw) throw new WrongBoard('the board has no checkpoint');
  const checkpoint = openCheckpoint(raw, policy.board, policy.witnesses, policy.quorum);
  const bundles = Math.ceil(checkpoint.size / WIDTH);
  const files: ArchiveFile[] = [{ path: 'checkpoint', content: raw }];
  let row: Bytes[] = [];
  for (let index = 0; index < bundles; index += 1) {
    onProgress(index, bundles);
    const width = Math.min(WIDTH, checkpoint.size - index * WIDTH);
    const entries = await readEntries(source, index, width);
    files.push({
      path: bundlePath(index, width),
      content: concat(...entries.flatMap((entry) => [be(entry.length, 2), entry])),
    });
    for (const entry of entries) row.push(leafHash(entry));
  }
  const edges: (readonly Bytes[])[] = [];
  for (let level = 0; row.length > 0; level += 1) {
    const above: Bytes[] = [];
    for (let first = 0; first < row.length; first += WIDTH) {
      const hashes = row.slice(first, first + WIDTH);
      files.push({ path: tilePath(level, first / WIDTH, hashes.length), content: concat(...hashes) });
      if (hashes.length === WIDTH) above.push(perfectRoot(hashes));
    }
    edges.push(row.slice(row.length - (row.length % WIDTH)));
    row = above;
  }
  if (checkpoint.size > 0 && !equal(rootOfEdges(edges), checkpoint.root)) {
    throw new WrongBoard('the entries do not hash to the root of the checkpoint');
  }
  for (const path of NAMED) {
    const content = await source.read(path, CHECKPOINT_LIMIT);
    if (content) files.push({ path, content });
  }
  onProgress(bundles, bundles);
  return files;
}
