// Boards for the tests of result pages: entries as the files of docs/spec 3.1, roots by the definition of RFC 6962.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';

const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

export const leaf = (entry: Uint8Array): Uint8Array => sha256(Uint8Array.of(0), entry);

/** MTH of RFC 6962, section 2.1, word for word. */
export function root(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Uint8Array.of(1), root(leaves.slice(0, half)), root(leaves.slice(half)));
}

/** The name of tile or bundle N in C2SP tlog-tiles, with its width if it is partial. */
function name(index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/gu) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return width < 256 ? `${path}.p/${width}` : path;
}

/** Bundles and tiles of all levels. */
export function boardFiles(entries: readonly Uint8Array[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let first = 0; first < entries.length; first += 256) {
    const bundle = entries.slice(first, first + 256);
    const content = bundle.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]);
    files.set(`tile/entries/${name(first / 256, bundle.length)}`, new Uint8Array(Buffer.concat(content)));
  }
  let row = entries.map(leaf);
  for (let level = 0; row.length > 0; level += 1) {
    const above: Uint8Array[] = [];
    for (let first = 0; first < row.length; first += 256) {
      const tile = row.slice(first, first + 256);
      files.set(`tile/${level}/${name(first / 256, tile.length)}`, new Uint8Array(Buffer.concat(tile)));
      if (tile.length === 256) above.push(root(tile));
    }
    row = above;
  }
  return files;
}

export interface BoardVector {
  readonly policy: string;
  readonly entries: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly expected: Readonly<Record<string, unknown>>;
}

export function boardVector(): BoardVector {
  const path = new URL('../../../../docs/spec/vectors/board.json', import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as BoardVector;
}

export function vectorFiles(vector: BoardVector): Map<string, Uint8Array> {
  return new Map(Object.entries(vector.files).map(([path, raw]) => [path, new Uint8Array(Buffer.from(raw, 'base64'))]));
}

/** A checkpoint by the vectors' board key, whose seed is the hash of its name, without cosignatures. */
export function checkpoint(origin: string, entries: readonly Uint8Array[]): Uint8Array {
  const seed = sha256(new TextEncoder().encode(origin));
  const text = `${origin}\n${entries.length}\n${Buffer.from(root(entries.map(leaf))).toString('base64')}\n`;
  const key = ed25519.getPublicKey(seed);
  const id = sha256(new TextEncoder().encode(`${origin}\n`), Uint8Array.of(1), key).subarray(0, 4);
  const signature = ed25519.sign(new TextEncoder().encode(text), seed);
  return new TextEncoder().encode(`${text}\n— ${origin} ${Buffer.concat([id, signature]).toString('base64')}\n`);
}
