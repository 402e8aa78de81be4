// Reading chosen entries of a board with their inclusion checked, without downloading it all: the tiles on the tree's
// right edge give the root, every other tile hashes to its place one level up (docs/spec page 3).

import { equal, type Bytes } from '../core/bytes.ts';
import { leafHash } from '../board/merkle.ts';
import { readTile } from '../board/readTile.ts';
import { BUNDLE_LIMIT, bundlePath, decodeBundle, TILE_LIMIT, tilePath } from '../board/tiles.ts';
import type { BoardSource } from '../board/source.ts';
import { levelsOf, nodesAt, perfectRoot, rootOfEdges, WIDTH } from './treeEdge.ts';

const HASH_BYTES = 32;

/** The board's files do not fit together, or one is missing: nothing of it can be shown. */
export class WrongBoard extends Error {
  override name = 'WrongBoard';
}

async function readFile(
  source: BoardSource,
  pathOf: (width: number) => string,
  width: number,
  limit: number,
): Promise<Bytes> {
  const file = await readTile(source, pathOf, width, limit);
  if (file === null) throw new WrongBoard(`${pathOf(width)} is not there`);
  return file.raw;
}

/** The first `width` entries of a bundle, unchecked. Throws WrongBoard, Malformed. */
export async function readEntries(source: BoardSource, index: number, width: number): Promise<readonly Bytes[]> {
  return decodeBundle(await readFile(source, (wide) => bundlePath(index, wide), width, BUNDLE_LIMIT), width);
}

async function readHashes(source: BoardSource, level: number, index: number, width: number): Promise<readonly Bytes[]> {
  const raw = await readFile(source, (wide) => tilePath(level, index, wide), width, TILE_LIMIT);
  if (raw.length < width * HASH_BYTES) throw new WrongBoard(`tile ${level}/${index} is too short`);
  return Array.from({ length: width }, (_, place) => raw.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES));
}

/** Bundles of a board of `size` entries, each checked against its root before it is handed out. */
export class CheckedBoard {
  readonly #tiles = new Map<string, Promise<readonly Bytes[]>>();
  readonly #bundles = new Map<number, Promise<readonly Bytes[]>>();

  private constructor(
    readonly source: BoardSource,
    readonly size: number,
  ) {}

  /** Throws WrongBoard if the right edge of the tree does not have the root `root`. */
  static async open(source: BoardSource, size: number, root: Bytes): Promise<CheckedBoard> {
    const board = new CheckedBoard(source, size);
    if (size === 0) return board;
    const edges = Array.from({ length: levelsOf(size) }, async (_, level) => {
      const nodes = nodesAt(size, level);
      return nodes % WIDTH === 0 ? [] : await board.#tile(level, Math.floor(nodes / WIDTH));
    });
    if (!equal(rootOfEdges(await Promise.all(edges)), root)) {
      throw new WrongBoard('the tiles do not hash to the root of the checkpoint');
    }
    return board;
  }

  get bundles(): number {
    return Math.ceil(this.size / WIDTH);
  }

  /** All entries of bundle `index`, that is from entry 256·index on. Throws WrongBoard. */
  async entries(index: number): Promise<readonly Bytes[]> {
    await this.#tile(0, index);
    return this.#bundle(index);
  }

  /** The hashes of one tile: on the right edge as the root has them, elsewhere as the level above has them. */
  #tile(level: number, index: number): Promise<readonly Bytes[]> {
    return once(this.#tiles, `${level}/${index}`, () => this.#readTile(level, index));
  }

  async #readTile(level: number, index: number): Promise<readonly Bytes[]> {
    const width = Math.min(WIDTH, nodesAt(this.size, level) - index * WIDTH);
    if (width <= 0) throw new WrongBoard(`there is no tile ${level}/${index}`);
    const hashes =
      level === 0
        ? (await this.#bundle(index)).map((entry) => leafHash(entry))
        : await readHashes(this.source, level, index, width);
    if (width === WIDTH && !equal(perfectRoot(hashes), await this.#node(level + 1, index))) {
      throw new WrongBoard(`tile ${level}/${index} does not hash to its place in the tree`);
    }
    return hashes;
  }

  async #node(level: number, index: number): Promise<Bytes> {
    return (await this.#tile(level, Math.floor(index / WIDTH)))[index % WIDTH] as Bytes;
  }

  #bundle(index: number): Promise<readonly Bytes[]> {
    const width = Math.min(WIDTH, this.size - index * WIDTH);
    return once(this.#bundles, index, () => readEntries(this.source, index, width));
  }
}

function once<Name, Value>(known: Map<Name, Promise<Value>>, name: Name, read: () => Promise<Value>): Promise<Value> {
  const reading = known.get(name) ?? read();
  known.set(name, reading);
  return reading;
}
