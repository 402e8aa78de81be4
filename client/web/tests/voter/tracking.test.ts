// Finding a ballot by code or receipt (docs/spec 6.7, 9.2).
import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../src/core/bytes.ts';
import { judgeEvidence, parseEvidence } from '../../src/voter/evidence.ts';
import { trackCode, trackReceipt } from '../../src/voter/tracking.ts';
import { castFor, openedOf } from './booth.ts';
import { FakeServer, receiptOf } from './fakeServer.ts';
import { boardVector, vectorFiles } from '../results/boardFiles.ts';
import { MemoryBoard } from '../../src/board/source.ts';
import { OpenedElection, readView } from '../../src/voter/reading.ts';
import { parseBallot } from '../../src/board/entries.ts';
import { trackingCode } from '../../src/core/codes.ts';

async function cast(server: FakeServer, name: string, choices: number[][]) {
  const { outcome, entry } = await castFor(server, name, choices);
  if (outcome.kind !== 'recorded') throw new Error(outcome.kind);
  return { receipt: outcome.receipt, entry };
}

describe('by tracking code', () => {
  test('the last ballot stands, an earlier one was superseded by it', async () => {
    const server = new FakeServer();
    const first = await cast(server, 'north-1', [[1, 0], [0]]);
    await cast(server, 'south-1', [[0, 0]]);
    const second = await cast(server, 'north-1', [[0, 1], [1]]);
    const { means } = server;
    const opened = await openedOf(server);
    expect(await trackCode(opened, second.receipt.trackingCode, { means })).toMatchObject({
      kind: 'found',
      index: 17,
      fate: 'stands',
      foundBy: 'board',
    });
    expect(await trackCode(opened, first.receipt.trackingCode, { means })).toMatchObject({
      kind: 'found',
      index: 15,
      fate: 'superseded',
      later: 17,
    });
  });

  test('on a board that was read in full, not found is certain', async () => {
    const server = new FakeServer();
    const { receipt } = await cast(new FakeServer(), 'north-1', [[1, 0], [0]]);
    expect(await trackCode(await openedOf(server), receipt.trackingCode)).toEqual({ kind: 'not found', certain: true });
  });

  test('on a big board a server that hides a ballot is believed only until the board is read', async () => {
    const server = new FakeServer();
    const { receipt } = await cast(server, 'north-1', [[1, 0], [0]]);
    server.append(...Array.from({ length: 1100 }, (_, number) => utf8(`{"number":${number}}`)));
    const means = { ...server.means, fetch: async () => new Response(null, { status: 404 }) };
    const opened = await openedOf(server);
    expect(await trackCode(opened, receipt.trackingCode, { means })).toEqual({ kind: 'not found', certain: false });
    expect(await trackCode(opened, receipt.trackingCode, { means, everything: true })).toMatchObject({
      kind: 'found',
      index: 15,
      foundBy: 'board',
    });
  });

  test('after the closing the last ballots of the vectors’ board count', async () => {
    const vector = boardVector();
    const view = await readView(new MemoryBoard(vectorFiles(vector)), null);
    const opened = await OpenedElection.read(view);
    expect(opened.closed).toBe(true);
    const ballots = vector.entries.flatMap((entry, index) =>
      entry.endsWith('\n') ? [] : [{ index, ...parseBallot(utf8(entry)) }],
    );
    const fates: Record<string, number> = {};
    for (const { bodyHash, index } of ballots) {
      const found = await trackCode(opened, trackingCode(bodyHash));
      if (found.kind !== 'found') throw new Error(`entry ${index} was not found`);
      expect(found.index).toBe(index);
      fates[found.fate] = (fates[found.fate] ?? 0) + 1;
    }
    expect(fates).toEqual({ counts: 5, superseded: 1 });
  });
});

describe('by receipt', () => {
  test('a receipt that fits says what became of its ballot, with or without the entry', async () => {
    const server = new FakeServer();
    const { receipt, entry } = await cast(server, 'north-1', [[1, 0], [0]]);
    await cast(server, 'north-1', [[1, 0], [3]]);
    const opened = await openedOf(server);
    for (const given of [entry, null]) {
      expect(await trackReceipt(opened, receipt.raw, given, { means: server.means })).toMatchObject({
        kind: 'fits',
        found: { index: 15, fate: 'superseded', later: 16 },
      });
    }
  });

  test('a board without the ballot is proved to contradict its receipt', async () => {
    const server = new FakeServer();
    const { receipt, entry } = await cast(server, 'north-1', [[1, 0], [0]]);
    const other = new FakeServer();
    await cast(other, 'south-1', [[1, 0]]);
    await cast(other, 'south-2', [[1, 0]]);
    const answer = await trackReceipt(await openedOf(other), receipt.raw, entry);
    if (answer.kind !== 'contradiction') throw new Error(answer.kind);
    expect(judgeEvidence(parseEvidence(answer.evidence)).board).toBe(true);
  });

  test('a board that shows less than the receipt covers is said to, and accused of nothing', async () => {
    const server = new FakeServer();
    const { receipt, entry } = await cast(server, 'north-1', [[1, 0], [0]]);
    const answer = await trackReceipt(await openedOf(new FakeServer()), receipt.raw, entry);
    expect(answer).toEqual({ kind: 'shorter', size: 16, shown: 15 });
  });

  test('tampered receipts are wrong and prove nothing', async () => {
    const server = new FakeServer();
    const { receipt, entry } = await cast(server, 'north-1', [[1, 0], [0]]);
    await cast(server, 'south-1', [[1, 0]]);
    const opened = await openedOf(server);
    const text = new TextDecoder().decode(receipt.raw);
    const changes = [
      text.replace('index 15', 'index 14'),
      text.replace('index 15', 'index 115'),
      text.replace(/— board\.example\/2027 \S{10}/u, (line) => `${line.slice(0, -1)}${line.endsWith('A') ? 'B' : 'A'}`),
      text.replace('\n16\n', '\n17\n'),
      'c2sp.org/tlog-proof@v1\n',
    ];
    for (const change of changes) {
      expect(change).not.toBe(text);
      expect((await trackReceipt(opened, utf8(change), entry)).kind).toBe('wrong');
    }
    // Another ballot's entry with this receipt.
    expect((await trackReceipt(opened, receipt.raw, server.entries[16]!)).kind).toBe('wrong');
    expect(toHex(receiptOf(server.entries.slice(0, 16), 15))).toBe(toHex(receipt.raw));
  });
});
