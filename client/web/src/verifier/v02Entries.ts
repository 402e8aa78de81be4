// V02, first half: every bundle hashes to its level-0 tile, and all entries to the checkpoint's root (docs/spec 3.1, 8.2).
// One bundle of entries is in memory at a time; the next one is read while the workers prove this one.
import { equal, type Bytes } from '../core/bytes.ts';
import { Malformed, readOr } from '../core/errors.ts';
import { Frontier, leafHash } from '../board/merkle.ts';
import { readTile, type TileFile } from '../board/readTile.ts';
import { TooLong, type BoardSource } from '../board/source.ts';
import { BUNDLE_LIMIT, TILE_LIMIT, TILE_WIDTH, bundlePath, decodeBundle, tilePath } from '../board/tiles.ts';

/** A file that the checkpoint promises is not there: V02 is incomplete. */
export class NotThere extends Error {}

/** The board's files do not fit together: V02 fails. */
export class Contradiction extends Error {}

export interface Bundle {
  readonly first: number;
  readonly entries: readonly Bytes[];
  readonly leaves: readonly Bytes[];
}

/** The bundles of a board of `size` entries, in order. Throws NotThere, Contradiction, Unreachable. */
export async function* readBundles(source: BoardSource, size: number): AsyncGenerator<Bundle> {
  let coming: Promise<Bundle> | null = size > 0 ? readBundle(source, 0, size) : null;
  for (let index = 0; coming !== null; index += 1) {
    const bundle: Bundle = await coming;
    coming = (index + 1) * TILE_WIDTH < size ? readBundle(source, index + 1, size) : null;
    // It is awaited in the next round, or never if this one throws.
    coming?.catch(() => undefined);
    yield bundle;
  }
}

async function readBundle(source: BoardSource, index: number, size: number): Promise<Bundle> {
  const first = index * TILE_WIDTH;
  const width = Math.min(TILE_WIDTH, size - first);
  const entries = await readEntries(source, index, width);
  const leaves = entries.map((entry) => leafHash(entry));
  const tile = await readLeaves(source, index, width);
  leaves.forEach((leaf, at) => {
    if (!equal(leaf, tile.subarray(32 * at, 32 * at + 32))) {
      throw new Contradiction(`entry ${first + at} does not hash to its place in the level-0 tile`);
    }
  });
  return { first, entries, leaves };
}

async function readEntries(source: BoardSource, index: number, width: number): Promise<Bytes[]> {
  const { path, raw, grown } = await readWidth(source, (w) => bundlePath(index, w), width, BUNDLE_LIMIT);
  const read = (): Bytes[] => {
    const entries = decodeBundle(raw, width);
    const length = entries.reduce((sum, entry) => sum + 2 + entry.length, 0);
    if (grown || length === raw.length) return entries;
    throw new Malformed(`a bundle that is longer than its ${width} entries`);
  };
  return readOr(read, (reason) => {
    throw new Contradiction(`${path}: ${reason}`);
  });
}

async function readLeaves(source: BoardSource, index: number, width: number): Promise<Bytes> {
  const { path, raw, grown } = await readWidth(source, (w) => tilePath(0, index, w), width, TILE_LIMIT);
  const tile = grown ? raw.subarray(0, 32 * width) : raw;
  if (tile.length !== 32 * width) throw new Contradiction(`${path} has ${tile.length} bytes, not ${32 * width}`);
  return tile;
}

/** A file that cannot be had, or can be only too long, decides V02. */
async function readWidth(
  source: BoardSource,
  pathOf: (width: number) => string,
  width: number,
  limit: number,
): Promise<TileFile & { readonly path: string }> {
  const path = pathOf(width);
  try {
    const file = await readTile(source, pathOf, width, limit);
    if (file !== null) return { path, ...file };
  } catch (error) {
    if (error instanceof TooLong) throw new Contradiction(error.message);
    throw error;
  }
  throw new NotThere(`${path} is not there`);
}

/** The tree over the entries met so far, and its roots at the sizes that somebody spoke of. */
export class Tree {
  readonly #frontier = new Frontier();
  readonly roots = new Map<number, Bytes>();
  readonly leaves = new Map<number, Bytes>();

  constructor(
    readonly sizes: ReadonlySet<number>,
    readonly indices: ReadonlySet<number>,
  ) {}

  get size(): number {
    return this.#frontier.size;
  }

  root(): Bytes {
    return this.#frontier.root();
  }

  append(leaf: Bytes): void {
    if (this.indices.has(this.size)) this.leaves.set(this.size, leaf);
    this.#frontier.append(leaf);
    if (this.sizes.has(this.size)) this.roots.set(this.size, this.root());
  }
}
