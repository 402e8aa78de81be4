// A tile or bundle of a board that may have grown since the checkpoint was made (docs/spec 3.1).
import type { Bytes } from '../core/bytes.ts';
import type { BoardSource } from './source.ts';
import { TILE_WIDTH } from './tiles.ts';

export interface TileFile {
  readonly raw: Bytes;
  /** The full file took the place of the partial one that was asked for, and begins with it. */
  readonly grown: boolean;
}

/** The file of this width, or the full one: a board need not keep partial files. Null where neither is there. */
export async function readTile(
  source: BoardSource,
  pathOf: (width: number) => string,
  width: number,
  limit: number,
): Promise<TileFile | null> {
  const exact = await source.read(pathOf(width), limit);
  if (exact !== null) return { raw: exact, grown: false };
  const full = width < TILE_WIDTH ? await source.read(pathOf(TILE_WIDTH), limit) : null;
  return full === null ? null : { raw: full, grown: true };
}
