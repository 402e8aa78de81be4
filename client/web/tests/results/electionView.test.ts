// The election and result pages on the board of the vectors, and on boards that say something else.

import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../src/board/policy.ts';
import { MemoryBoard } from '../../src/board/source.ts';
import { collectBoard } from '../../src/results/collect.ts';
import { readElection } from '../../src/results/electionView.ts';
import { unitResults } from '../../src/results/units.ts';
import { boardFiles, boardVector, checkpoint, vectorFiles } from './boardFiles.ts';

const vector = boardVector();
const policy = parsePolicy(new TextEncoder().encode(vector.policy));
const ID = /^election ([0-9a-f]{64})$/mu.exec(vector.policy)?.[1] ?? '';
const entries = vector.entries.map((entry) => new TextEncoder().encode(entry));
const kinds = vector.entries.map((entry) => /"kind":"([a-z-]+)"/u.exec(entry)?.[1] ?? '');

/** The board as it was when it had `size` entries, signed by the board's key alone. */
function boardAt(size: number, changed: ReadonlyMap<number, string> = new Map()): MemoryBoard {
  const shown = entries.slice(0, size).map((entry, index) => {
    const other = changed.get(index);
    return other === undefined ? entry : new TextEncoder().encode(other);
  });
  return new MemoryBoard(boardFiles(shown).set('checkpoint', checkpoint('board.example/2027', shown)));
}

describe('the board of the vectors', () => {
  test('shows its published result, with the id of the link and every cosignature', async () => {
    const view = await readElection(new MemoryBoard(vectorFiles(vector)), ID);
    expect(view).toMatchObject({ electionId: ID, idGiven: true, phase: 'tally' });
    expect(view.result?.units).toEqual(vector.expected['units']);
    expect(view.cosigners.filter(({ time }) => time !== null).length).toBeGreaterThanOrEqual(view.policy.quorum);
    expect(view.closing?.ballots).toBe(kinds.filter((kind) => kind === 'ballot').length);
    expect(unitResults(view.manifest, view.result?.units ?? [], view.papers)).toHaveLength(2);
  });

  test('is refused under another election id than the link’s', async () => {
    await expect(readElection(new MemoryBoard(vectorFiles(vector)), '0'.repeat(64))).rejects.toThrow('the link names');
  });

  test.each([
    ['setup', kinds.indexOf('opening')],
    ['voting', kinds.indexOf('opening') + 1],
    ['voting', kinds.indexOf('closing')],
    ['tally', kinds.indexOf('closing') + 1],
    ['tally', kinds.indexOf('result')],
  ] as const)('was in %s when it had %i entries, and had no result', async (phase, size) => {
    const view = await readElection(boardAt(size), ID);
    expect(view).toMatchObject({ phase, result: null });
    expect(view.cosigners.every(({ time }) => time === null)).toBe(true);
  });

  test('shows no result that the authority did not sign', async () => {
    const index = kinds.indexOf('result');
    const forged = new Map([[index, (vector.entries[index] as string).replace(/"voted":\d+/u, '"voted":1')]]);
    const view = await readElection(boardAt(entries.length, forged), ID);
    expect(view).toMatchObject({ phase: 'tally', result: null });
  });

  test('is not shown under a checkpoint that the board did not sign', async () => {
    const files = vectorFiles(vector);
    const text = new TextDecoder().decode(files.get('checkpoint')).replace('\n26\n', '\n25\n');
    files.set('checkpoint', new TextEncoder().encode(text));
    await expect(readElection(new MemoryBoard(files), ID)).rejects.toThrow();
  });
});

describe('collecting a board', () => {
  test('gives the files that the board has, checked against its checkpoint', async () => {
    const files = vectorFiles(vector);
    const collected = await collectBoard(new MemoryBoard(files), policy, () => undefined);
    expect(new Map(collected.map(({ path, content }) => [path, content]))).toEqual(files);
  });

  test('fails on a changed entry', async () => {
    const files = vectorFiles(vector);
    const path = [...files.keys()].find((one) => one.startsWith('tile/entries/')) as string;
    const bundle = (files.get(path) as Uint8Array).slice();
    bundle[40] = (bundle[40] as number) ^ 1;
    const collecting = collectBoard(new MemoryBoard(files.set(path, bundle)), policy, () => undefined);
    await expect(collecting).rejects.toThrow('do not hash to the root');
  });
});
