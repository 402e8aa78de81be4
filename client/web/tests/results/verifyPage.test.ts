// What the verification page does around the verifier: its question, its report file, what a browser remembers.

import { beforeEach, describe, expect, test } from 'vitest';
import { parsePolicy } from '../../src/board/policy.ts';
import { MemoryBoard } from '../../src/board/source.ts';
import { toHex } from '../../src/core/bytes.ts';
import { boardFiles as filesOfBoard } from '../../src/pages/verify/folder.ts';
import { boardAddress, cleanId, isElectionId, policyOf } from '../../src/pages/verify/inputs.ts';
import { keepCheckpoint, keptCheckpoints, rememberedVerdict, rememberVerdict } from '../../src/pages/verify/memory.ts';
import { reportDocument } from '../../src/results/reportJson.ts';
import { verdictLineOf } from '../../src/verifier/checks.ts';
import { verify } from '../../src/verifier/verify.ts';
import { boardVector, vectorFiles } from './boardFiles.ts';

const vector = boardVector();
const policy = parsePolicy(new TextEncoder().encode(vector.policy));
const ID = toHex(policy.election);

describe('the question', () => {
  test('an election id is read with spaces and capitals', () => {
    expect(cleanId(` ${ID.slice(0, 8).toUpperCase()} ${ID.slice(8)}\n`)).toBe(ID);
    expect(isElectionId(ID)).toBe(true);
    expect(isElectionId(ID.slice(1))).toBe(false);
  });

  test.each([
    ['/elections/trial/', 'https://ballots.example/elections/trial'],
    ['https://other.example/elections/trial', 'https://other.example/elections/trial'],
    ['javascript:alert(1)', null],
    ['trial', null],
    ['', null],
  ])('the address %j is %j', (text, address) => {
    expect(boardAddress(text, 'https://ballots.example/verify.html')).toBe(address);
  });

  test('a policy follows from the election id alone', async () => {
    expect(await policyOf(new MemoryBoard(vectorFiles(vector)), ID)).toEqual(policy);
  });

  test('another board than the id’s fails V03, whoever serves it', async () => {
    const board = new MemoryBoard(vectorFiles(vector));
    const report = await verify(board, await policyOf(board, '0'.repeat(64)));
    expect(report.verdict).toBe('FAIL');
    expect(report.states.V03).toBe('fail');
  });

  test('a folder may hold the board a level down, beside other files', () => {
    const file = new File([], 'x');
    const paths = ['saved/readme', 'saved/board/checkpoint', 'saved/board/tile/0/000', 'saved/board/old/checkpoint'];
    const found = filesOfBoard(paths.map((path) => ({ path, file })));
    expect(found.map(({ path }) => path)).toEqual(['checkpoint', 'tile/0/000', 'old/checkpoint']);
    expect(filesOfBoard([{ path: 'readme', file }])).toEqual([]);
  });
});

describe('the report file', () => {
  test('has the members of `retally verify --json` and the expected states and counts', async () => {
    const report = await verify(new MemoryBoard(vectorFiles(vector)), policy);
    const document = reportDocument(report) as {
      checks: { check: string; state: string }[];
      outcome: { units: unknown; reconciliation: object };
    };
    expect(Object.keys(document).join(' ')).toBe(
      'verdict witnesses board election origin size root title notice checks outcome',
    );
    const states = Object.fromEntries(document.checks.map(({ check, state }) => [check, state]));
    expect(states).toMatchObject(vector.expected['states'] as object);
    expect(document.outcome.units).toEqual(vector.expected['units']);
    expect(Object.keys(document.outcome.reconciliation)).toHaveLength(7);
  });
});

describe('what a browser remembers', () => {
  const stored = new Map<string, string>();
  beforeEach(() => {
    stored.clear();
    globalThis.localStorage = {
      getItem: (name: string) => stored.get(name) ?? null,
      setItem: (name: string, value: string) => stored.set(name, value),
    } as unknown as Storage;
  });

  test('a verdict speaks of exactly one board', () => {
    rememberVerdict({ verdict: 'PASS', witnesses: 3, election: ID, size: 26, root: 'aa', time: 1 });
    expect(rememberedVerdict(ID, 26, 'aa')?.verdict).toBe('PASS');
    expect(rememberedVerdict(ID, 27, 'aa')).toBeNull();
    expect(rememberedVerdict(ID, 26, 'bb')).toBeNull();
    expect(rememberedVerdict('0'.repeat(64), 26, 'aa')).toBeNull();
  });

  test('a later verdict on the same board replaces the earlier one', () => {
    rememberVerdict({ verdict: 'PASS', witnesses: 3, election: ID, size: 26, root: 'aa', time: 1 });
    rememberVerdict({ verdict: 'FAIL', witnesses: 3, election: ID, size: 26, root: 'aa', time: 2 });
    expect(rememberedVerdict(ID, 26, 'aa')?.verdict).toBe('FAIL');
  });

  test('the oldest checkpoint is kept however many follow', () => {
    for (let size = 1; size <= 100; size += 1) keepCheckpoint('board.example', `checkpoint ${size}`);
    const kept = keptCheckpoints('board.example');
    expect(kept[0]).toBe('checkpoint 1');
    expect(kept.at(-1)).toBe('checkpoint 100');
    expect(kept.length).toBeLessThanOrEqual(32);
    expect(keptCheckpoints('other.example')).toEqual([]);
  });

  test('whether it passed is a value of its own, beside the line that says whether there are witnesses', () => {
    rememberVerdict({ verdict: 'PASS', witnesses: 0, election: ID, size: 26, root: 'aa', time: 1 });
    const known = rememberedVerdict(ID, 26, 'aa');
    expect(known?.verdict).toBe('PASS');
    expect(verdictLineOf('PASS', known?.witnesses ?? 1)).toBe('PASS · no witness');
    expect(verdictLineOf('FAIL', 3)).toBe('FAIL');
  });

  test('a text that only begins like a verdict is none', () => {
    for (const verdict of ['PASS?', 'PASS · no witness', 'toString']) {
      const one = { verdict, witnesses: 3, election: ID, size: 26, root: 'aa', time: 1 };
      stored.set('retally.verdicts', JSON.stringify([one]));
      expect(rememberedVerdict(ID, 26, 'aa')).toBeNull();
    }
  });

  test('what else stands in the storage is passed over', () => {
    stored.set('retally.verdicts', '[1,{"verdict":"PASS"}]');
    stored.set('retally.kept.board.example', '{"x":');
    expect(rememberedVerdict(ID, 26, 'aa')).toBeNull();
    expect(keptCheckpoints('board.example')).toEqual([]);
  });
});
