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

/** An index or size; beyond 2^53 only a bigint is exact. */
type Count = number | bigint;

/** Whether the proof leads from a leaf hash to the root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(leaf: Bytes, index: Count, size: Count, proof: readonly Bytes[], root: Bytes): boolean {
  if (index < 0 || index >= size || ![leaf, ...proof].every(isHash)) return false;
  let node = BigInt(index);
  let last = BigInt(size) - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) return false;
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(node) && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && equal(hash, root);
}

/**
 * Whether the proof says that the tree of `size` begins with the tree of `old` entries (RFC 9162 section 2.1.4.2). About
 * the tree of no entries there is nothing to prove.
 */
export function verifyConsistency(
  old: Count,
  oldRoot: Bytes,
  size: Count,
  root: Bytes,
  proof: readonly Bytes[],
): boolean {
  if (old < 1 || old > size || ![oldRoot, root, ...proof].every(isHash)) return false;
  if (BigInt(old) === BigInt(size)) return proof.length === 0 && equal(oldRoot, root);
  let node = BigInt(old) - 1n;
  let last = BigInt(size) - 1n;
  while (isOdd(node)) [node, last] = [node >> 1n, last >> 1n];
  const path = node === 0n ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let before = first;
  let after = first;
  for (const sibling of path) {
    if (last === 0n) return false;
    if (isOdd(node) || node === last) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      while (!isOdd(node) && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      after = nodeHash(after, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && equal(before, oldRoot) && equal(after, root);
}

const isHash = ({ length }: Bytes): boolean => length === 32;

const isOdd = (n: bigint): boolean => (n & 1n) === 1n;
