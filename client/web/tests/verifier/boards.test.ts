// Every board of docs/spec/vectors: the verifier finds exactly what is written there, however the work is shared out.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromBase64, utf8, type Bytes } from '../../src/core/bytes.ts';
import { parsePolicy } from '../../src/board/policy.ts';
import { MemoryBoard, Unreachable, type BoardSource } from '../../src/board/source.ts';
import { bundlePath } from '../../src/board/tiles.ts';
import { CHECKS } from '../../src/verifier/checks.ts';
import { Aborted, Control, type Progress } from '../../src/verifier/control.ts';
import { WorkerPool } from '../../src/verifier/pool.ts';
import { withV21 } from '../../src/verifier/report.ts';
import { verify } from '../../src/verifier/verify.ts';
import { channels } from './channels.ts';

interface Expected {
  readonly verdict: string;
  readonly exit_code: number;
  readonly states: Readonly<Record<string, string>>;
  readonly refused_index: number | null;
  readonly units: unknown;
  readonly reconciliation: unknown;
}

interface Honest {
  readonly policy: string;
  readonly entries: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly expected: Expected;
}

interface Tampered {
  readonly name: string;
  readonly policy: string;
  readonly entries: readonly (number | string)[];
  readonly files: Readonly<Record<string, string>>;
  readonly absent: readonly string[];
  readonly kept: readonly string[];
  readonly expected: Expected;
}

function vectors(name: string): unknown {
  const file = new URL(`../../../../docs/spec/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}

const honest = vectors('board.json') as Honest;
const tampered = (vectors('tampered_boards.json') as { readonly boards: readonly Tampered[] }).boards;

const decoded = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, content]) => [path, fromBase64(content)]));

function filesOf({ entries, files, absent }: Tampered): Map<string, Bytes> {
  const raws = entries.map((entry) => utf8(typeof entry === 'number' ? (honest.entries[entry] ?? '') : entry));
  const bundle = raws.flatMap((raw) => [raw.length >> 8, raw.length & 255, ...raw]);
  const all = new Map([[bundlePath(0, raws.length), Uint8Array.from(bundle)], ...decoded(files)]);
  for (const path of absent) all.delete(path);
  return all;
}

const policy = parsePolicy(utf8(honest.policy));
const board = () => new MemoryBoard(decoded(honest.files));

describe('the honest board', () => {
  it('passes, with its counts', async () => {
    const report = await verify(board(), policy);
    expect(report.states).toEqual(honest.expected.states);
    expect([report.verdict, report.exitCode]).toEqual(['PASS', 0]);
    expect(report.counts).toEqual(honest.expected.units);
    expect(report.reconciliation).toEqual(honest.expected.reconciliation);
    expect(report.refused).toEqual([]);
  });

  it('says the same with workers, and how far it is', async () => {
    const heard: Progress[] = [];
    const pool = new WorkerPool(channels(2));
    const report = await verify(board(), policy, { pool, onProgress: (progress) => heard.push(progress) });
    expect(report.states).toEqual(honest.expected.states);
    expect(report.counts).toEqual(honest.expected.units);
    const last = heard.at(-1);
    expect([last?.done, last?.of]).toEqual([report.size, report.size]);
    expect(last?.ballots).toBe(report.reconciliation?.entries);
  });

  it('is plain data, which a worker can hand to a page', async () => {
    const report = await verify(board(), policy);
    expect(structuredClone(report)).toEqual(report);
  });

  it('gives no verdict when it is cancelled', async () => {
    const control = new Control();
    control.abort();
    await expect(verify(board(), policy, { control })).rejects.toBeInstanceOf(Aborted);
  });

  it('gives no verdict when the board does not answer, wherever it stops', async () => {
    for (const failing of [...board().files.keys()]) {
      const whole = board();
      const source: BoardSource = {
        location: 'broken',
        read: (path, limit) =>
          path === failing ? Promise.reject(new Unreachable(`${path} breaks off`)) : whole.read(path, limit),
      };
      const used = failing.startsWith('checkpoint') || /^tile\/(?:entries|0)\//u.test(failing);
      if (used) await expect(verify(source, policy)).rejects.toBeInstanceOf(Unreachable);
    }
    await expect(verify(new MemoryBoard(new Map()), policy)).rejects.toBeInstanceOf(Unreachable);
  });

  it('gets its verdict anew when a page has looked at V21', async () => {
    const report = await verify(board(), policy);
    expect(withV21(report, { state: 'fail', notes: ['another bundle'] })).toMatchObject({
      verdict: 'FAIL',
      exitCode: 1,
    });
    expect(withV21(report, { state: 'pass', notes: [] })).toMatchObject({ verdict: 'PASS', exitCode: 0 });
  });
});

describe('a tampered or unfinished board', () => {
  it.each(tampered.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const kept = one.kept.map(utf8);
    const report = await verify(new MemoryBoard(filesOf(one)), parsePolicy(utf8(one.policy)), { kept });
    expect(report.states).toEqual(one.expected.states);
    expect([report.verdict, report.exitCode]).toEqual([one.expected.verdict, one.expected.exit_code]);
    expect(report.counts).toEqual(one.expected.units);
    expect(report.reconciliation).toEqual(one.expected.reconciliation);
    const notes = CHECKS.filter((check) => report.states[check] === 'fail').flatMap((check) => report.notes[check]);
    const named = /^entry (\d+)\b/u.exec(notes.find((note) => note.startsWith('entry ')) ?? '');
    expect(named === null ? null : Number(named[1])).toBe(one.expected.refused_index);
  });
});
