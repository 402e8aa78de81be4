// The root of a tree from the tiles on its right edge (RFC 6962, section 2.1; C2SP tlog-tiles).

import type { Bytes } from '../core/bytes.ts';
import { nodeHash } from '../board/merkle.ts';
import { TILE_WIDTH as WIDTH } from '../board/tiles.ts';

export { WIDTH };

/** How many nodes the tree of `size` entries has at a level of tiles. */
export function nodesAt(size: number, level: number): number {
  return Math.floor(size / WIDTH ** level);
}

/** Levels of tiles of a tree that is not empty. */
export function levelsOf(size: number): number {
  let levels = 1;
  while (nodesAt(size, levels) > 0) levels += 1;
  return levels;
}

/** Root of a perfect subtree: a full tile's place one level up. */
export function perfectRoot(hashes: readonly Bytes[]): Bytes {
  let row = hashes;
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, at) => nodeHash(row[2 * at] as Bytes, row[2 * at + 1] as Bytes));
  }
  return row[0] as Bytes;
}

/** The root from the hashes of the partial tiles, `edges[level]` those of that level; not for an empty tree. */
export function rootOfEdges(edges: readonly (readonly Bytes[])[]): Bytes {
  const peaks: { height: number; hash: Bytes }[] = [];
  for (let level = edges.length - 1; level >= 0; level -= 1) {
    for (const hash of edges[level] ?? []) {
      let peak = { height: 8 * level, hash };
      for (let last = peaks.at(-1); last?.height === peak.height; last = peaks.at(-1)) {
        peaks.pop();
        peak = { height: peak.height + 1, hash: nodeHash(last.hash, peak.hash) };
      }
      peaks.push(peak);
    }
  }
  return peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right));
}
