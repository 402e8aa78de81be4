// The tree and its files (docs/spec page 3): RFC 6962's own example, transparency-dev's proofs right and wrong, a log that
// Tessera wrote, paths of C2SP tlog-tiles.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { be, concat, fromHex, fromUtf8, sha256, toHex, utf8, type Bytes } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import { openCheckpoint } from '../../src/board/checkpoint.ts';
import { Frontier, leafHash, nodeHash, verifyConsistency, verifyInclusion } from '../../src/board/merkle.ts';
import { parseKey } from '../../src/board/notes.ts';
import { bundlePath, decodeBundle, tilePath } from '../../src/board/tiles.ts';
import { publishedVectors } from '../core/vectors.ts';

const FOLDER = `${process.env['RETALLY_VECTORS'] ?? fileURLToPath(new URL('../../../../../shared/vectors', import.meta.url))}/tlog`;

/** The published files below a folder, by name; none where they are absent. */
function published(folder: string): [string, Bytes][] {
  const path = `${FOLDER}/${folder}`;
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => `${file.parentPath}/${file.name}`)
    .map((file) => [file.slice(path.length + 1), new Uint8Array(readFileSync(file))]);
}

const jsonOf = <T>(folder: string): (T & { name: string })[] =>
  published(folder).map(([name, raw]) => ({ name, ...(JSON.parse(fromUtf8(raw)) as T) }));

/** A hash as the vector gives it; where any root would do some give a word, whose hash stands for it here. */
function hashOf(text: string | null): Bytes {
  const raw = new Uint8Array(Buffer.from(text ?? '', 'base64'));
  return raw.length === 32 || raw.length === 0 ? raw : sha256(raw);
}

interface Proof {
  readonly proof: (string | null)[] | null;
  readonly wantErr: boolean;
  readonly desc: string;
}

describe.skipIf(!existsSync(FOLDER))('published proofs', () => {
  const inclusions = jsonOf<Proof & { leafIdx: number; treeSize: number; root: string; leafHash: string }>(
    'transparency-dev-merkle/inclusion',
  );
  const consistencies = jsonOf<Proof & { size1: number; size2: number; root1: string; root2: string }>(
    'transparency-dev-merkle/consistency',
  );

  it('are all there, right ones and wrong ones', () => {
    expect([inclusions.length, consistencies.length]).toEqual([98, 98]);
    for (const list of [inclusions, consistencies]) expect(new Set(list.map(({ wantErr }) => wantErr)).size).toBe(2);
  });

  it.each(inclusions)('of inclusion: $name', ({ leafIdx, treeSize, root, leafHash: leaf, proof, wantErr }) => {
    const hashes = (proof ?? []).map(hashOf);
    expect(verifyInclusion(hashOf(leaf), leafIdx, treeSize, hashes, hashOf(root))).toBe(!wantErr);
  });

  it.each(consistencies)('of consistency: $name', ({ size1, size2, root1, root2, proof, wantErr }) => {
    const hashes = (proof ?? []).map(hashOf);
    expect(verifyConsistency(size1, hashOf(root1), size2, hashOf(root2), hashes)).toBe(!wantErr);
  });
});

const RFC6962 = publishedVectors('tlog/merkle-rfc6962/rfc6962_tree.json') as {
  leaf_inputs_hex: string[];
  node_hashes_hex_by_level: string[][];
  root_hashes_hex_by_size: string[];
} | null;

it.skipIf(RFC6962 === null)('the well-known tree of eight leaves has its roots at every size', () => {
  const { leaf_inputs_hex, node_hashes_hex_by_level, root_hashes_hex_by_size } = RFC6962 as NonNullable<typeof RFC6962>;
  const frontier = new Frontier();
  expect(toHex(frontier.root())).toBe(root_hashes_hex_by_size[0]);
  leaf_inputs_hex.forEach((input, at) => {
    const leaf = leafHash(fromHex(input));
    expect(toHex(leaf)).toBe(node_hashes_hex_by_level[0]?.[at]);
    frontier.append(leaf);
    expect(toHex(frontier.root())).toBe(root_hashes_hex_by_size[at + 1]);
    expect(frontier.size).toBe(at + 1);
  });
  expect(leaf_inputs_hex).toHaveLength(8);
});

const LOG = publishedVectors('tlog/tessera-testdata-log/keys.json') as { public_key: string; entries: string[] } | null;

describe.skipIf(LOG === null)('a log that Tessera wrote', () => {
  const files = new Map(published('tessera-testdata-log'));
  const { public_key, entries } = LOG ?? { public_key: '', entries: [] };

  it.each(entries.map((_, at) => at + 1))('hashes to its checkpoint of %d entries', (size) => {
    const checkpoint = openCheckpoint(files.get(`checkpoint.${size}`) as Bytes, parseKey(public_key));
    const bundle = files.get(bundlePath(0, size)) as Bytes;
    const tile = files.get(tilePath(0, 0, size)) as Bytes;
    const frontier = new Frontier();
    const read = decodeBundle(bundle, size);
    read.forEach((entry) => frontier.append(leafHash(entry)));
    expect(read.map(fromUtf8)).toEqual(entries.slice(0, size));
    expect(concat(...read.map(leafHash))).toEqual(tile);
    expect(checkpoint).toMatchObject({ size, root: frontier.root() });
  });
});

const PATHS = publishedVectors('tlog/merkle-rfc6962/tile_paths.json') as {
  entries_for_index: [number, number, string][];
  tile: [number, number, number, string][];
} | null;

describe.skipIf(PATHS === null)('paths of C2SP tlog-tiles', () => {
  it.each(PATHS?.entries_for_index ?? [])('entry %d of %d is in %s', (index, size, path) => {
    const bundle = Math.floor(index / 256);
    expect(bundlePath(bundle, Math.min(256, size - 256 * bundle))).toBe(path);
  });

  it.each(PATHS?.tile ?? [])('tile %d %d of width %d is %s', (level, index, width, path) => {
    expect(tilePath(level, index, width || 256)).toBe(path);
  });
});

describe('a tree of any size', () => {
  const leaves = Array.from({ length: 40 }, (_, at) => leafHash(utf8(`entry ${at}`)));

  /** RFC 6962 section 2.1 to the letter. */
  function mth(hashes: readonly Bytes[]): Bytes {
    if (hashes.length === 0) return sha256();
    if (hashes.length === 1) return hashes[0] as Bytes;
    const k = split(hashes.length);
    return nodeHash(mth(hashes.slice(0, k)), mth(hashes.slice(k)));
  }

  function split(length: number): number {
    let k = 1;
    while (2 * k < length) k *= 2;
    return k;
  }

  /** RFC 6962 section 2.1.1. */
  function path(m: number, hashes: readonly Bytes[]): Bytes[] {
    if (hashes.length === 1) return [];
    const k = split(hashes.length);
    const [left, right] = [hashes.slice(0, k), hashes.slice(k)];
    return m < k ? [...path(m, left), mth(right)] : [...path(m - k, right), mth(left)];
  }

  /** RFC 6962 section 2.1.2. */
  function subproof(m: number, hashes: readonly Bytes[], whole: boolean): Bytes[] {
    if (m === hashes.length) return whole ? [] : [mth(hashes)];
    const k = split(hashes.length);
    const [left, right] = [hashes.slice(0, k), hashes.slice(k)];
    return m <= k ? [...subproof(m, left, whole), mth(right)] : [...subproof(m - k, right, false), mth(left)];
  }

  it('has the root of the definition', () => {
    const frontier = new Frontier();
    for (let size = 0; size < leaves.length; size += 1) {
      expect(frontier.root()).toEqual(mth(leaves.slice(0, size)));
      frontier.append(leaves[size] as Bytes);
    }
  });

  it('proves every entry where it is, and nowhere else', () => {
    for (let size = 1; size <= 20; size += 1) {
      const tree = leaves.slice(0, size);
      const root = mth(tree);
      for (let index = 0; index < size; index += 1) {
        const proof = path(index, tree);
        for (let at = 0; at <= size; at += 1) {
          expect(verifyInclusion(tree[index] as Bytes, at, size, proof, root)).toBe(at === index);
        }
        expect(verifyInclusion(leaves[20] as Bytes, index, size, proof, root)).toBe(false);
        expect(verifyInclusion(tree[index] as Bytes, index, size, [...proof, root], root)).toBe(false);
        expect(verifyInclusion(tree[index] as Bytes, -1, size, proof, root)).toBe(false);
      }
    }
  });

  it('proves of every earlier size what it was, and nothing else', () => {
    for (let size = 1; size <= 20; size += 1) {
      const root = mth(leaves.slice(0, size));
      for (let old = 1; old <= size; old += 1) {
        const oldRoot = mth(leaves.slice(0, old));
        const proof = subproof(old, leaves.slice(0, size), true);
        expect(verifyConsistency(old, oldRoot, size, root, proof)).toBe(true);
        expect(verifyConsistency(old, leaves[0] as Bytes, size, root, proof)).toBe(old === 1);
        expect(verifyConsistency(old, oldRoot, size, leaves[0] as Bytes, proof)).toBe(size === 1);
        expect(verifyConsistency(old, oldRoot, size, root, [...proof, root])).toBe(false);
        if (proof.length > 0) expect(verifyConsistency(old, oldRoot, size, root, proof.slice(1))).toBe(false);
        if (old < size) expect(verifyConsistency(size, root, old, oldRoot, proof)).toBe(false);
      }
      expect(verifyConsistency(0, sha256(), size, root, [])).toBe(false);
      expect(verifyConsistency(-1, sha256(), size, root, [])).toBe(false);
    }
  });

  it('is exact about sizes that no double holds', () => {
    const [early, leaf] = [sha256(utf8('the first 2^53')), leaves[0] as Bytes];
    const edge = 2n ** 53n;
    const root = nodeHash(early, leaf);
    expect(verifyInclusion(leaf, edge, edge + 1n, [early], root)).toBe(true);
    expect(verifyInclusion(leaf, edge, edge, [early], root)).toBe(false);
    expect(verifyInclusion(leaf, edge + 1n, edge + 1n, [early], root)).toBe(false);
    expect(verifyConsistency(edge, early, edge + 1n, root, [leaf])).toBe(true);
    expect(verifyConsistency(edge + 1n, root, edge + 1n, root, [])).toBe(true);
    expect(verifyConsistency(edge, root, edge + 1n, root, [])).toBe(false);
  });
});

describe('a bundle', () => {
  const bundle = (entries: readonly Bytes[]) => concat(...entries.flatMap((entry) => [be(entry.length, 2), entry]));

  it('gives back the entries that were put into it, and no byte of what stands behind them', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 9 }), fc.nat(9), (entries, fewer) => {
        const width = Math.max(0, entries.length - fewer);
        expect(decodeBundle(bundle(entries), width)).toEqual(entries.slice(0, width));
      }),
    );
    expect(decodeBundle(bundle([new Uint8Array(65_535)]), 1)[0]).toHaveLength(65_535);
  });

  it('is refused where it ends within an entry or before it', () => {
    const raw = bundle([utf8('one'), utf8('two')]);
    for (let end = 0; end < raw.length; end += 1) {
      expect(() => decodeBundle(raw.subarray(0, end), 2)).toThrow(Malformed);
    }
    expect(() => decodeBundle(raw, 3)).toThrow(Malformed);
  });
});
