// From a proved ballot to a checked receipt, on a server that is down, slow, wrong or lying (docs/spec 9.2).
import { describe, expect, test } from 'vitest';
import { fromUtf8, toHex, utf8 } from '../../src/core/bytes.ts';
import { Unreachable } from '../../src/board/source.ts';
import { castEntry, renewReceipt } from '../../src/voter/casting.ts';
import { judgeEvidence, parseEvidence } from '../../src/voter/evidence.ts';
import { recallPending } from '../../src/voter/pending.ts';
import { checkReceipt, witnessed, WrongReceipt } from '../../src/voter/receipts.ts';
import { castFor, enter, openedOf, sealFor } from './booth.ts';
import { electionHex, FakeServer, FakeStorage, problemMischief, receiptOf } from './fakeServer.ts';

const CHOICES = [[1, 0], [2]];

describe('casting', () => {
  test('a ballot that is taken gets a receipt that is checked, and nothing is kept', async () => {
    const server = new FakeServer();
    const { outcome, entry, storage } = await castFor(server, 'north-1', CHOICES);
    expect(outcome).toMatchObject({ kind: 'recorded', compared: true, receipt: { index: 15, size: 16, quorum: 2 } });
    expect(server.posted).toHaveLength(1);
    expect(toHex(server.posted[0]!)).toBe(toHex(entry));
    expect(storage.values.size).toBe(0);
  });

  test('when the answer is lost the same bytes are sent again and stand on the board once', async () => {
    const server = new FakeServer();
    server.mischief = ['lost', 'down'];
    const { outcome, entry } = await castFor(server, 'north-1', CHOICES);
    expect(outcome.kind).toBe('recorded');
    expect(server.posted.map(toHex)).toEqual(Array.from({ length: 3 }, () => toHex(entry)));
    expect(server.entries).toHaveLength(16);
  });

  test('a busy server is asked again when it says so', async () => {
    const server = new FakeServer();
    server.mischief = [problemMischief(503, 'busy', null, { 'Retry-After': '7' }), { status: 503 }];
    const { outcome } = await castFor(server, 'north-1', CHOICES);
    expect(outcome.kind).toBe('recorded');
    expect(server.pauses).toEqual([7000, 2000]);
  });

  test('without any answer the entry stays kept, and sending it later gives the receipt', async () => {
    const server = new FakeServer();
    server.mischief = Array.from({ length: 6 }, () => 'down' as const);
    const { outcome, entry, at, storage } = await castFor(server, 'north-1', CHOICES);
    expect(outcome.kind).toBe('unknown');
    const pending = recallPending(storage, electionHex);
    expect(toHex(pending!.entry)).toBe(toHex(entry));
    const later = await castEntry(at.opened.view, pending!.entry, { storage, means: server.means });
    expect(later.kind).toBe('recorded');
    expect(recallPending(storage, electionHex)).toBeNull();
  });

  test('a ballot that was taken before the page was left is not cast twice by finishing it', async () => {
    const server = new FakeServer();
    server.mischief = ['lost', ...Array.from({ length: 5 }, () => 'down' as const)];
    const { storage, at } = await castFor(server, 'north-1', CHOICES);
    expect(server.entries).toHaveLength(16);
    const pending = recallPending(storage, electionHex)!;
    const outcome = await castEntry(at.opened.view, pending.entry, { storage, means: server.means });
    expect(outcome).toMatchObject({ kind: 'recorded', receipt: { index: 15 } });
    expect(server.entries).toHaveLength(16);
  });

  test('what is kept is the entry that goes to the board: no code, no choice, no seed', async () => {
    const server = new FakeServer();
    server.mischief = Array.from({ length: 6 }, () => 'down' as const);
    const { storage, entry } = await castFor(server, 'north-1', CHOICES);
    const [kept] = [...storage.values.values()];
    expect(Object.keys(JSON.parse(kept!) as object).sort()).toEqual(['board', 'entry']);
    const members = Object.keys(JSON.parse(fromUtf8(entry)) as object).sort();
    expect(members).toEqual(['ciphertexts', 'credential', 'election', 'kind', 'previous', 'proof', 'style']);
  });

  test('of two tabs with one chain the second is refused, keeps nothing and can start anew', async () => {
    const server = new FakeServer();
    const [one, two] = [await enter(server, 'south-1'), await enter(server, 'south-1')];
    const storage = new FakeStorage();
    const cast = async (tab: typeof one, choices: number[][]) =>
      castEntry(tab.opened.view, sealFor(tab, choices).prove(tab.secret), { storage, means: server.means });
    expect((await cast(one, [[1, 0]])).kind).toBe('recorded');
    const second = await cast(two, [[0, 1]]);
    expect(second).toMatchObject({ kind: 'refused', refusal: { check: 'V12' } });
    expect(storage.values.size).toBe(0);
    const anew = await enter(server, 'south-1');
    expect(anew.standing.ballots).toHaveLength(1);
    expect((await cast(anew, [[0, 1]])).kind).toBe('recorded');
    expect((await enter(server, 'south-1')).standing.ballots.map(({ index }) => index)).toEqual([15, 16]);
  });

  test('a check that the specification does not have is no check, whatever it begins with', async () => {
    for (const check of ['V12 and more', 'V99', '', 'toString']) {
      const server = new FakeServer();
      server.mischief = [problemMischief(422, 'refused', check)];
      const { outcome } = await castFor(server, 'north-1', CHOICES);
      expect(outcome).toMatchObject({ kind: 'refused', refusal: { check: null, message: 'refused' } });
    }
  });

  test('a refusal is not believed when the ballot stands on the board', async () => {
    const server = new FakeServer();
    server.mischief = ['lost', problemMischief(409, 'outside-hours', 'V04')];
    const { outcome } = await castFor(server, 'north-1', CHOICES);
    expect(outcome).toMatchObject({ kind: 'recorded', receipt: { index: 15 } });
  });

  test('a refusal is not believed while the board cannot be read: the entry stays kept', async () => {
    const server = new FakeServer();
    server.mischief = ['lost', problemMischief(409, 'outside-hours', 'V04')];
    const at = await enter(server, 'north-1');
    server.read = () => Promise.reject(new Unreachable('gone'));
    const storage = new FakeStorage();
    const entry = sealFor(at, CHOICES).prove(at.secret);
    const outcome = await castEntry(at.opened.view, entry, { storage, means: server.means });
    expect(outcome.kind).toBe('later');
    expect(toHex(recallPending(storage, electionHex)!.entry)).toBe(toHex(entry));
  });

  test('once the page is left nothing more is sent, not even after a pause', async () => {
    const server = new FakeServer();
    server.mischief = ['down', 'down'];
    const at = await enter(server, 'north-1');
    const leaving = new AbortController();
    const means = { ...server.means, signal: leaving.signal, sleep: async () => leaving.abort() };
    const storage = new FakeStorage();
    const entry = sealFor(at, CHOICES).prove(at.secret);
    expect((await castEntry(at.opened.view, entry, { storage, means })).kind).toBe('unknown');
    expect(server.posted).toHaveLength(1);
    expect(recallPending(storage, electionHex)).not.toBeNull();
  });

  test('a proxy’s error page decides nothing', async () => {
    const server = new FakeServer();
    server.mischief = [{ status: 404, body: '<h1>Not here</h1>' }, { status: 502 }];
    expect((await castFor(server, 'north-1', CHOICES)).outcome.kind).toBe('recorded');
  });

  test('too many ballots for now: the entry is kept for later', async () => {
    const server = new FakeServer();
    server.mischief = [problemMischief(429, 'too-many-ballots', null, { 'Retry-After': '600' })];
    const { outcome, storage } = await castFor(server, 'north-1', CHOICES);
    expect(outcome).toMatchObject({ kind: 'later', refusal: { retryAfter: 600 } });
    expect(storage.values.size).toBe(1);
  });
});

describe('receipts', () => {
  test('a receipt of another entry is no receipt, and the board is looked at instead', async () => {
    const server = new FakeServer();
    await castFor(server, 'south-2', [[1, 0]]);
    // The receipt of somebody else's ballot.
    server.mischief = [{ status: 201, body: receiptOf(server.entries, 15) }];
    const { outcome, storage } = await castFor(server, 'north-1', CHOICES);
    expect(outcome.kind).toBe('wrong receipt');
    expect(storage.values.size).toBe(1);
  });

  test('with a wrong answer for a ballot that was taken the page makes the receipt from the board', async () => {
    const server = new FakeServer();
    server.mischief = ['lost', { status: 201, body: 'rubbish' }];
    const { outcome, entry, at } = await castFor(server, 'north-1', CHOICES);
    if (outcome.kind !== 'recorded') throw new Error(outcome.kind);
    expect(checkReceipt(outcome.receipt.raw, entry, at.opened.view.policy).index).toBe(15);
  });

  test('a receipt is held to every byte of the entry', async () => {
    const server = new FakeServer();
    const { outcome, entry, at } = await castFor(server, 'north-1', CHOICES);
    if (outcome.kind !== 'recorded') throw new Error(outcome.kind);
    const changed = new Uint8Array(entry);
    changed[20] = changed[20] === 65 ? 66 : 65;
    expect(() => checkReceipt(outcome.receipt.raw, changed, at.opened.view.policy)).toThrow(WrongReceipt);
  });

  test('until the quorum has cosigned it is recorded but not witnessed, and becomes so by looking again', async () => {
    const server = new FakeServer();
    const at = await enter(server, 'north-1');
    server.witnesses = [3];
    const entry = sealFor(at, CHOICES).prove(at.secret);
    const outcome = await castEntry(at.opened.view, entry, { storage: new FakeStorage(), means: server.means });
    if (outcome.kind !== 'recorded') throw new Error(outcome.kind);
    expect(witnessed(outcome.receipt)).toBe(false);
    expect(await renewReceipt(at.opened.view, outcome.receipt)).toEqual({ kind: 'receipt', receipt: outcome.receipt });
    server.witnesses = [1, 3];
    const renewed = await renewReceipt(at.opened.view, outcome.receipt);
    if (renewed.kind !== 'receipt') throw new Error(renewed.kind);
    expect(witnessed(renewed.receipt)).toBe(true);
    expect(renewed.receipt.index).toBe(15);
  });

  test('a board that was rewritten after the receipt is proved to contradict it', async () => {
    const server = new FakeServer();
    const { outcome, at } = await castFor(server, 'north-1', CHOICES);
    if (outcome.kind !== 'recorded') throw new Error(outcome.kind);
    const other = new FakeServer();
    await castFor(other, 'south-3', [[0, 1]]);
    server.entries = [...other.entries, utf8('{}')];
    const renewed = await renewReceipt(at.opened.view, outcome.receipt);
    if (renewed.kind !== 'contradiction') throw new Error(renewed.kind);
    const fault = judgeEvidence(parseEvidence(renewed.evidence));
    expect(fault).toEqual({ board: true, witnesses: ['witness-1', 'witness-2', 'witness-3'] });
  });

  test('a receipt of a board that only this voter gets is not called compared', async () => {
    const server = new FakeServer();
    const at = await enter(server, 'north-1');
    const entry = sealFor(at, CHOICES).prove(at.secret);
    // Signed for the voter alone: what everybody reads does not have the ballot.
    server.mischief = [{ status: 201, body: receiptOf([...server.entries, entry], 15) }];
    const outcome = await castEntry(at.opened.view, entry, { storage: new FakeStorage(), means: server.means });
    expect(outcome).toMatchObject({ kind: 'recorded', compared: false });
  });

  test('a ballot taken into another board than the voter was shown is evidence at once', async () => {
    const server = new FakeServer();
    await castFor(server, 'south-2', [[1, 0]]);
    const at = await enter(server, 'north-1');
    const fork = new FakeServer();
    await castFor(fork, 'south-3', [[0, 1]]);
    server.entries = fork.entries;
    const entry = sealFor(at, CHOICES).prove(at.secret);
    const outcome = await castEntry(at.opened.view, entry, { storage: new FakeStorage(), means: server.means });
    if (outcome.kind !== 'contradiction') throw new Error(outcome.kind);
    expect(judgeEvidence(parseEvidence(outcome.evidence)).board).toBe(true);
  });

  test('a big board is asked where ballots are, and each is proved', async () => {
    const server = new FakeServer();
    const { at } = await castFor(server, 'north-1', CHOICES);
    const foreign = server.entries[15]!;
    server.entries = server.entries.slice(0, 15);
    server.append(...Array.from({ length: 1100 }, (_, number) => utf8(`{"number":${number}}`)), foreign);
    // Rubbish entries have no members that a lookup could read.
    const looked: number[] = [];
    const means = {
      ...server.means,
      fetch: async () => {
        looked.push(1);
        return Response.json({ ballots: [{ index: 1115 }] });
      },
    };
    const opened = await openedOf(server);
    const standing = await opened.standing(at.standing.credential, { means });
    expect(looked).toHaveLength(1);
    expect(standing).toMatchObject({ foundBy: 'server', ballots: [{ index: 1115 }] });
    const all = await (await openedOf(server)).standing(at.standing.credential, { everything: true, means });
    expect(all).toMatchObject({ foundBy: 'board', ballots: [{ index: 1115 }] });
  });
});
