// Files of evidence prove exactly what was signed twice, and nothing else (docs/spec 11).
import { describe, expect, test } from 'vitest';
import { concat, fromUtf8, toHex, utf8, type Bytes } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import { leafHash } from '../../src/board/merkle.ts';
import {
  contradiction,
  formatEvidence,
  judgeEvidence,
  parseEvidence,
  type Evidence,
} from '../../src/voter/evidence.ts';
import { ProvedBoard, treeHash } from '../../src/voter/provedBoard.ts';
import { readView } from '../../src/voter/reading.ts';
import { electionHex, FakeServer, inclusionPath, receiptOf, signedCheckpoint } from './fakeServer.ts';

const noise = (label: string, count: number): Bytes[] =>
  Array.from({ length: count }, (_, at) => utf8(`{"${label}":${at}}`));

/** A board of `size` entries whose entries after the opening bear `label`. */
function board(label: string, size: number): FakeServer {
  const server = new FakeServer();
  server.append(...noise(label, size - server.entries.length));
  return server;
}

async function viewOf(server: FakeServer) {
  const view = await readView(server, electionHex);
  return { view, proved: await ProvedBoard.open(server, view.head) };
}

const headOf = (entries: readonly Bytes[]) => ({ size: entries.length, root: treeHash(entries.map(leafHash)) });

async function against(today: FakeServer, entries: readonly Bytes[], index: number, witnesses: readonly number[] = []) {
  const { view, proved } = await viewOf(today);
  const raw = receiptOf(entries, index, witnesses);
  const receipt = { raw, entry: entries[index]!, index };
  return contradiction(view, proved, { ...headOf(entries), checkpoint: signedCheckpoint(entries, witnesses), receipt });
}

describe('proofs from tiles', () => {
  test.each([16, 255, 256, 257, 511, 512, 600, 1025])('of %i entries verify at every kind of size', async (size) => {
    const server = board('a', size);
    const { proved, view } = await viewOf(server);
    const leaves = server.entries.map(leafHash);
    for (const index of [0, 15, size - 1, size >> 1]) {
      expect((await proved.inclusionProof(index)).map(toHex)).toEqual(inclusionPath(index, leaves).map(toHex));
    }
    for (const old of new Set([1, 2, 3, 15, size >> 1, size - 1, Math.min(256, size - 1), Math.min(300, size - 1)])) {
      expect(toHex(await proved.prefixRoot(old))).toBe(toHex(treeHash(leaves.slice(0, old))));
      const root = await proved.prefixRoot(old);
      const evidence: Evidence = {
        election: view.electionId,
        manifest: view.manifestEntry,
        checkpoints: [view.checkpoint, signedCheckpoint(noise('other', old), [])],
        receipts: [],
        prefixes: [{ checkpoint: 0, size: old, root, proof: await proved.consistencyProof(old) }],
        inclusions: [],
      };
      expect(judgeEvidence(evidence)).toEqual({ board: true, witnesses: [] });
    }
  });
});

describe('a receipt that the board contradicts', () => {
  test('another root at the same size is evidence', async () => {
    const evidence = await against(board('b', 40), board('a', 40).entries, 20);
    expect(judgeEvidence(evidence!)).toEqual({ board: true, witnesses: [] });
  });

  test('a board that grew from another history is evidence, and tells which witnesses signed both', async () => {
    const evidence = await against(board('b', 300), board('a', 40).entries, 20, [2]);
    expect(judgeEvidence(evidence!)).toEqual({ board: true, witnesses: ['witness-2'] });
  });

  test('a shorter board that holds another entry at the receipt’s place is evidence', async () => {
    const evidence = await against(board('b', 30), board('a', 40).entries, 20);
    expect(evidence!.inclusions).toHaveLength(1);
    expect(judgeEvidence(evidence!).board).toBe(true);
  });

  test.each([
    ['the same board', 40, 40],
    ['a board that grew', 300, 40],
    ['an older copy of the board', 30, 40],
    ['a copy from before the receipt', 16, 40],
  ])('%s is no evidence', async (_, today, size) => {
    expect(await against(board('a', today), board('a', size).entries, 20)).toBeNull();
  });

  test('a shorter board of another history without an entry at that place proves nothing', async () => {
    expect(await against(board('b', 18), board('a', 40).entries, 20)).toBeNull();
  });
});

describe('a file', () => {
  const made = async (): Promise<Evidence> => (await against(board('b', 300), board('a', 40).entries, 20, [1, 2, 3]))!;

  test('reads back to the same bytes', async () => {
    const raw = formatEvidence(await made());
    expect(toHex(formatEvidence(parseEvidence(raw)))).toBe(toHex(raw));
  });

  test('holds no member but those of the specification, in canonical order', async () => {
    const text = fromUtf8(formatEvidence(await made()));
    const members = Object.keys(JSON.parse(text) as object);
    expect(members).toEqual([...members].sort());
    expect(members).toEqual([
      'checkpoints',
      'election',
      'inclusions',
      'kind',
      'manifest',
      'prefixes',
      'receipts',
      'version',
    ]);
  });

  test('in another form is refused', async () => {
    const text = fromUtf8(formatEvidence(await made()));
    const changes = [
      text.replace('{', '{ '),
      text.replace('"kind":"retally-evidence"', '"kind":"retally-opinion"'),
      text.replace('"version"', '"note":"","version"'),
      text.slice(0, -1),
      `${text}\n`,
      '[]',
    ];
    for (const change of changes) expect(() => parseEvidence(utf8(change))).toThrow(Malformed);
  });

  test('of another manifest than the election’s is refused', async () => {
    const evidence = await made();
    expect(() => judgeEvidence({ ...evidence, election: new Uint8Array(32) })).toThrow(Malformed);
  });

  test('without its proof, with a wrong one, or with unsigned checkpoints proves nothing', async () => {
    const evidence = await made();
    const nobody = { board: false, witnesses: [] };
    const [prefix] = evidence.prefixes;
    expect(judgeEvidence({ ...evidence, prefixes: [] })).toEqual(nobody);
    expect(judgeEvidence({ ...evidence, prefixes: [{ ...prefix!, proof: prefix!.proof.slice(1) }] })).toEqual(nobody);
    expect(judgeEvidence({ ...evidence, prefixes: [{ ...prefix!, checkpoint: 7 }] })).toEqual(nobody);
    expect(judgeEvidence({ ...evidence, prefixes: [{ ...prefix!, root: new Uint8Array(32) }] })).toEqual(nobody);
    const bare = evidence.checkpoints.map((raw) => utf8(`${fromUtf8(raw).split('\n\n')[0] ?? ''}\n\n`));
    expect(judgeEvidence({ ...evidence, checkpoints: bare })).toEqual(nobody);
    expect(judgeEvidence({ ...evidence, receipts: [] })).toEqual(nobody);
  });

  test('is not spoiled by a wrong line of a witness, and does not accuse that witness', async () => {
    const evidence = await made();
    const [checkpoint] = evidence.checkpoints;
    const text = fromUtf8(checkpoint!);
    const wrong = text.replace(
      /(— witness-3 \S{8})(\S)/u,
      (_, start: string, symbol: string) => start + (symbol === 'A' ? 'B' : 'A'),
    );
    expect(wrong).not.toBe(text);
    expect(judgeEvidence({ ...evidence, checkpoints: [utf8(wrong)] })).toEqual({
      board: true,
      witnesses: ['witness-1', 'witness-2'],
    });
  });

  test('a receipt whose inclusion proof is wrong states no entry', async () => {
    const today = board('b', 30);
    const entries = board('a', 40).entries;
    const evidence = (await against(today, entries, 20))!;
    const [receipt] = evidence.receipts;
    const lie = concat(utf8('{"x":1}'));
    expect(judgeEvidence({ ...evidence, receipts: [{ ...receipt!, entry: lie }] }).board).toBe(false);
    expect(judgeEvidence({ ...evidence, receipts: [{ ...receipt!, entry: null }] }).board).toBe(false);
  });
});
