// The board's tree: RFC 6962 with SHA-256 (docs/spec page 3).
import { equal, sha256, type Bytes } from '../core/bytes.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (entry: Bytes): Bytes => sha256(LEAF, entry);

export const nodeHash = (left: Bytes, right: Bytes): Bytes => sha256(NODE, left, right);

/** The perfect subtrees of a tree that only grows: enough for its root at every size. */
export class Frontier {
  /** Roots of perfect subtrees, by height; null where the size has a zero bit. */
  readonly #subtrees: (Bytes | null)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(leaf: Bytes): void {
    let hash = leaf;
    let height = 0;
    for (let left = this.#subtrees[height]; left; left = this.#subtrees[height]) {
      hash = nodeHash(left, hash);
      this.#subtrees[height] = null;
      height += 1;
    }
    this.#subtrees[height] = hash;
    this.#size += 1;
  }

  /** H of nothing for no entries. */
  root(): Bytes {
    let root: Bytes | null = null;
    for (const subtree of this.#subtrees) {
      if (subtree) root = root === null ? subtree : nodeHash(subtree, root);
    }
    return root ?? sha256();
  }
}

/** Whether the proof leads from a leaf hash to the root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(
  leaf: Bytes,
  index: number,
  size: number,
  proof: readonly Bytes[],
  root: Bytes,
): boolean {
  if (index < 0 || index >= size) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && equal(hash, root);
}

/** Whether the proof says that the tree of `size` begins with the tree of `old` entries (RFC 9162 section 2.1.4.2). */
export function verifyConsistency(
  old: number,
  oldRoot: Bytes,
  size: number,
  root: Bytes,
  proof: readonly Bytes[],
): boolean {
  if (old > size) return false;
  if (old === size) return proof.length === 0 && equal(oldRoot, root);
  if (old === 0) return proof.length === 0 && equal(oldRoot, sha256());
  let node = old - 1;
  let last = size - 1;
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  const path = node === 0 ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let before = first;
  let after = first;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      after = nodeHash(after, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && equal(before, oldRoot) && equal(after, root);
}

const half = (n: number): number => Math.floor(n / 2);
