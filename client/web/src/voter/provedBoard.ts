// Entries of a board, each held to one signed checkpoint before it is handed out, without downloading the whole board
// (docs/spec 3.1): the hashes of all full bundles and the leaves of the last one give the root, and every other tile or
// bundle has to hash to its place. Proofs are computed from the same hashes.
import { equal, type Bytes } from '../core/bytes.ts';
import { readOr } from '../core/errors.ts';
import { leafHash, nodeHash } from '../board/merkle.ts';
import { readTile } from '../board/readTile.ts';
import { TooLong, type BoardSource } from '../board/source.ts';
import { BUNDLE_LIMIT, TILE_LIMIT, TILE_WIDTH, bundlePath, decodeBundle, tilePath } from '../board/tiles.ts';

const HASH = 32;
const TILES_AT_ONCE = 8;

/** The board's files do not fit its own checkpoint. It is no proof of anything: files carry no signature. */
export class WrongFiles extends Error {
  override readonly name = 'WrongFiles';
}

/** A file that the checkpoint promises is not there. */
export class NotThere extends Error {
  override readonly name = 'NotThere';
}

export interface TreeHead {
  readonly size: number;
  readonly root: Bytes;
}

/** The root of a tree of these subtree hashes, all of one height but perhaps the last (RFC 6962 section 2.1). */
export function treeHash(hashes: readonly Bytes[]): Bytes {
  if (hashes.length === 1) return hashes[0] as Bytes;
  const left = largestPowerBelow(hashes.length);
  return nodeHash(treeHash(hashes.slice(0, left)), treeHash(hashes.slice(left)));
}

/** The largest power of two less than n, for n > 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (2 * power < n) power *= 2;
  return power;
}

/** A board as of one checkpoint whose signature the caller has checked. */
export class ProvedBoard {
  readonly #leaves = new Map<number, Promise<readonly Bytes[]>>();
  #bundle: { readonly index: number; readonly entries: Promise<readonly Bytes[]> } | null = null;

  private constructor(
    readonly source: BoardSource,
    readonly head: TreeHead,
    readonly bundleRoots: readonly Bytes[],
  ) {}

  /** Throws WrongFiles if the tiles do not hash to the checkpoint's root, NotThere, Unreachable. */
  static async open(source: BoardSource, head: TreeHead): Promise<ProvedBoard> {
    if (head.size === 0) throw new NotThere('the board has no entries yet');
    const full = Math.floor(head.size / TILE_WIDTH);
    const count = Math.ceil(full / TILE_WIDTH);
    const roots: Bytes[] = [];
    // A few at a time: a size is only a number that somebody signed, and the first tile that is missing ends it.
    for (let at = 0; at < count; at += TILES_AT_ONCE) {
      const tiles = Array.from({ length: Math.min(TILES_AT_ONCE, count - at) }, (_, offset) =>
        readHashes(source, 1, at + offset, Math.min(TILE_WIDTH, full - (at + offset) * TILE_WIDTH)),
      );
      for (const tile of await Promise.all(tiles)) roots.push(...tile);
    }
    const rest = head.size - full * TILE_WIDTH;
    const tail = rest > 0 ? await readHashes(source, 0, full, rest) : [];
    const nodes = rest > 0 ? [...roots, treeHash(tail)] : roots;
    if (!equal(treeHash(nodes), head.root)) {
      throw new WrongFiles(`the tiles do not hash to the root of the checkpoint of size ${head.size}`);
    }
    const board = new ProvedBoard(source, head, roots);
    if (rest > 0) board.#leaves.set(full, Promise.resolve(tail));
    return board;
  }

  get size(): number {
    return this.head.size;
  }

  get bundles(): number {
    return Math.ceil(this.size / TILE_WIDTH);
  }

  /** The leaf hashes of a bundle. */
  leaves(bundle: number): Promise<readonly Bytes[]> {
    let known = this.#leaves.get(bundle);
    if (known === undefined) {
      known = this.#readLeaves(bundle);
      this.#leaves.set(bundle, known);
    }
    return known;
  }

  /** The entries of a bundle; the one read last is remembered. */
  entries(bundle: number): Promise<readonly Bytes[]> {
    if (this.#bundle?.index !== bundle) this.#bundle = { index: bundle, entries: this.#readEntries(bundle) };
    return this.#bundle.entries;
  }

  async entry(index: number): Promise<Bytes> {
    if (!(index >= 0 && index < this.size)) throw new RangeError(`the checkpoint does not cover entry ${index}`);
    return (await this.entries(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH] as Bytes;
  }

  async leaf(index: number): Promise<Bytes> {
    return (await this.leaves(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH] as Bytes;
  }

  /** The root that this board had when it had `size` entries, 0 < size ≤ its own. */
  prefixRoot(size: number): Promise<Bytes> {
    return this.#range(0, size);
  }

  /** RFC 6962 section 2.1.1. */
  async inclusionProof(index: number): Promise<Bytes[]> {
    const proof: Bytes[] = [];
    let [from, to] = [0, this.size];
    while (to - from > 1) {
      const middle = from + largestPowerBelow(to - from);
      if (index < middle) {
        proof.unshift(await this.#range(middle, to));
        to = middle;
      } else {
        proof.unshift(await this.#range(from, middle));
        from = middle;
      }
    }
    return proof;
  }

  /** RFC 6962 section 2.1.2: from the tree of `old` entries, 0 < old < size. */
  async consistencyProof(old: number): Promise<Bytes[]> {
    const proof: Bytes[] = [];
    let [from, to] = [0, this.size];
    let whole = true;
    while (old < to) {
      const middle = from + largestPowerBelow(to - from);
      if (old <= middle) {
        proof.unshift(await this.#range(middle, to));
        to = middle;
      } else {
        proof.unshift(await this.#range(from, middle));
        from = middle;
        whole = false;
      }
    }
    return whole ? proof : [await this.#range(from, to), ...proof];
  }

  /** The hash of entries from..to, a range that the tree's splits make: within a bundle, or beginning with one. */
  async #range(from: number, to: number): Promise<Bytes> {
    const [first, last] = [Math.floor(from / TILE_WIDTH), Math.floor((to - 1) / TILE_WIDTH)];
    const offset = first * TILE_WIDTH;
    if (first === last && to - from < TILE_WIDTH) {
      return treeHash((await this.leaves(first)).slice(from - offset, to - offset));
    }
    const full = Math.floor(to / TILE_WIDTH);
    const nodes = this.bundleRoots.slice(first, full);
    const rest = to - full * TILE_WIDTH;
    return treeHash(rest > 0 ? [...nodes, treeHash((await this.leaves(full)).slice(0, rest))] : nodes);
  }

  async #readLeaves(bundle: number): Promise<readonly Bytes[]> {
    const root = this.bundleRoots[bundle];
    if (root === undefined) throw new RangeError(`the checkpoint does not cover bundle ${bundle}`);
    const leaves = await readHashes(this.source, 0, bundle, TILE_WIDTH);
    if (!equal(treeHash(leaves), root)) throw new WrongFiles(`tile 0/${bundle} does not hash to its place in the tree`);
    return leaves;
  }

  async #readEntries(bundle: number): Promise<readonly Bytes[]> {
    const leaves = await this.leaves(bundle);
    const raw = await readFile(this.source, (width) => bundlePath(bundle, width), leaves.length, BUNDLE_LIMIT);
    const entries = readOr(
      () => decodeBundle(raw, leaves.length),
      (reason) => {
        throw new WrongFiles(`bundle ${bundle}: ${reason}`);
      },
    );
    entries.forEach((entry, at) => {
      if (!equal(leafHash(entry), leaves[at] as Bytes)) {
        throw new WrongFiles(`entry ${bundle * TILE_WIDTH + at} is not the one that the checkpoint covers`);
      }
    });
    return entries;
  }
}

async function readHashes(source: BoardSource, level: number, index: number, width: number): Promise<Bytes[]> {
  const bytes = await readFile(source, (w) => tilePath(level, index, w), width, TILE_LIMIT);
  if (bytes.length < width * HASH) throw new WrongFiles(`tile ${level}/${index} is too short`);
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH, (at + 1) * HASH));
}

async function readFile(
  source: BoardSource,
  pathOf: (width: number) => string,
  width: number,
  limit: number,
): Promise<Bytes> {
  try {
    const file = await readTile(source, pathOf, width, limit);
    if (file !== null) return file.raw;
  } catch (error) {
    if (error instanceof TooLong) throw new WrongFiles(error.message);
    throw error;
  }
  throw new NotThere(`${pathOf(width)} is not there`);
}
