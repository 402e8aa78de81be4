// A page shows an entry only if it stands under the checkpoint's root, whatever the files say.

import { describe, expect, test } from 'vitest';
import { MemoryBoard } from '../../src/board/source.ts';
import { CheckedBoard, WrongBoard } from '../../src/results/checkedBoard.ts';
import { boardFiles, leaf, root } from './boardFiles.ts';

const entriesOf = (size: number): Uint8Array[] =>
  Array.from({ length: size }, (_, index) => new TextEncoder().encode(`entry ${index}`));

describe.each([1, 2, 255, 256, 257, 511, 512, 700])('a board of %i entries', (size) => {
  const entries = entriesOf(size);
  const files = boardFiles(entries);

  test('hands out every entry', async () => {
    const board = await CheckedBoard.open(new MemoryBoard(files), size, root(entries.map(leaf)));
    for (let bundle = 0; bundle < board.bundles; bundle += 1) {
      expect(await board.entries(bundle)).toEqual(entries.slice(256 * bundle, 256 * bundle + 256));
    }
  });

  test('with one entry changed hands out no bundle that holds it', async () => {
    const other = [...entries];
    other[size >> 1] = new TextEncoder().encode('forged');
    const reading = CheckedBoard.open(new MemoryBoard(boardFiles(other)), size, root(entries.map(leaf)));
    await expect(reading.then((board) => board.entries((size >> 1) >> 8))).rejects.toThrow(WrongBoard);
  });
});

test('a full bundle under an honest right edge is held to its place in the tree', async () => {
  const entries = entriesOf(700);
  const files = boardFiles(entries);
  const forged = boardFiles(entries.map((entry, index) => (index === 3 ? new TextEncoder().encode('forged') : entry)));
  for (const path of ['tile/entries/000', 'tile/0/000']) files.set(path, forged.get(path) as Uint8Array);
  const board = await CheckedBoard.open(new MemoryBoard(files), 700, root(entries.map(leaf)));
  await expect(board.entries(0)).rejects.toThrow(WrongBoard);
  expect(await board.entries(1)).toHaveLength(256);
});

test('three levels of tiles are walked', async () => {
  const entries = entriesOf(65_536 + 300);
  const board = await CheckedBoard.open(new MemoryBoard(boardFiles(entries)), entries.length, root(entries.map(leaf)));
  expect((await board.entries(0))[7]).toEqual(entries[7]);
  expect((await board.entries(256))[0]).toEqual(entries[65_536]);
  expect(await board.entries(257)).toHaveLength(44);
});

test('a partial file that was replaced by the full one is read from it', async () => {
  const entries = entriesOf(300);
  const files = boardFiles(entries);
  const seen = entries.slice(0, 40);
  const board = await CheckedBoard.open(new MemoryBoard(files), 40, root(seen.map(leaf)));
  expect(await board.entries(0)).toEqual(seen);
});

test('a missing file is said to be missing', async () => {
  const entries = entriesOf(300);
  const files = boardFiles(entries);
  files.delete('tile/entries/001.p/44');
  const reading = CheckedBoard.open(new MemoryBoard(files), 300, root(entries.map(leaf)));
  await expect(reading).rejects.toThrow('tile/entries/001.p/44 is not there');
});
