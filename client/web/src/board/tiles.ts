// The board's files as C2SP tlog-tiles (docs/spec 3.1): paths of tiles and bundles, and the entries in a bundle.
import type { Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { LONGEST_ENTRY } from '../core/limits.ts';

export const TILE_WIDTH = 256;
export const TILE_LIMIT = 32 * TILE_WIDTH;
/** Every entry has its length in two bytes before it. */
export const BUNDLE_LIMIT = (2 + LONGEST_ENTRY) * TILE_WIDTH;

export const tilePath = (level: number, index: number, width: number): string => pathOf(String(level), index, width);

export const bundlePath = (index: number, width: number): string => pathOf('entries', index, width);

/** `tile/<level>/x001/x234/067`, and `.p/<width>` for a partial one. */
function pathOf(level: string, index: number, width: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  const last = groups.length - 1;
  const path = groups.map((group, at) => (at < last ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** The first `width` entries of a bundle; whether something may stand behind them depends on the file. Throws Malformed. */
export function decodeBundle(raw: Bytes, width: number): Bytes[] {
  const entries: Bytes[] = [];
  let at = 0;
  while (entries.length < width) {
    const start = at + 2;
    const end = start + (((raw[at] ?? 0) << 8) | (raw[at + 1] ?? 0));
    if (start > raw.length || end > raw.length)
      throw new Malformed(`a bundle that ends inside its entry ${entries.length}`);
    entries.push(raw.subarray(start, end));
    at = end;
  }
  return entries;
}
