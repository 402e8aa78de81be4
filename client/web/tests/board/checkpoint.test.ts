// Checkpoints (docs/spec 3.1): captured ones of other programs, and every rule with one that breaks it alone.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, equal, sha256, toBase64, utf8, type Bytes } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import { openCheckpoint, parseCheckpoint } from '../../src/board/checkpoint.ts';
import { Frontier, leafHash } from '../../src/board/merkle.ts';
import { parseKey, type SignatureLine } from '../../src/board/notes.ts';
import { publishedVectors } from '../core/vectors.ts';
import { note, outcome, signed, signer, witness } from './signing.ts';

const CAPTURED = publishedVectors('tlog/captured/cosigned.json') as {
  leaves: string[];
  captured: { tool: string; log_vkey: string; witness_vkey: string; cosigned_checkpoint: string }[];
} | null;

describe.skipIf(CAPTURED === null)('checkpoints that other programs cosigned', () => {
  // A key of another type than 0x04 is none of ours (3.3).
  const cases = (CAPTURED?.captured ?? []).filter(({ witness_vkey: key }) => outcome(() => parseKey(key)) === 'read');

  it('are there', () => {
    expect(cases.length).toBeGreaterThanOrEqual(3);
  });

  it.each(cases)('by $tool', ({ log_vkey, witness_vkey, cosigned_checkpoint }) => {
    const [board, cosigner] = [parseKey(log_vkey), parseKey(witness_vkey)];
    const raw = utf8(cosigned_checkpoint);
    const opened = openCheckpoint(raw, board, [cosigner], 1);
    const frontier = new Frontier();
    for (const leaf of CAPTURED?.leaves ?? []) frontier.append(leafHash(utf8(leaf)));
    expect(opened).toMatchObject({ origin: board.name, size: 5, exactSize: 5n, root: frontier.root() });
    expect(opened.cosignatures.map(({ name }) => name)).toEqual([cosigner.name]);
    expect(opened.cosignatures[0]?.time).toBeGreaterThan(1_700_000_000n);
    const last = cosigned_checkpoint.length - 5;
    const other = cosigned_checkpoint[last] === 'A' ? 'B' : 'A';
    const wrong = utf8(cosigned_checkpoint.slice(0, last) + other + cosigned_checkpoint.slice(last + 1));
    expect(() => openCheckpoint(wrong, board, [cosigner])).toThrow(Malformed);
    expect(openCheckpoint(wrong, board).cosignatures).toEqual([]);
  });
});

const SUM = publishedVectors('tlog/c2sp-spec-examples/examples.json') as {
  sum_golang_org: { vkey: string; note: string };
  syntax_only_cosigned_checkpoint: { note: string };
} | null;

it.skipIf(SUM === null)(
  'the checkpoint of sum.golang.org is signed rightly, and its origin is not the key’s name',
  () => {
    const { vkey, note: text } = (SUM as NonNullable<typeof SUM>).sum_golang_org;
    expect(() => openCheckpoint(utf8(text), parseKey(vkey))).toThrow(/another origin/u);
  },
);

const board = signer('board.example/2027');
const root = sha256(utf8('root'));
const ROOT = toBase64(root);
const TEXT = `board.example/2027\n7\n${ROOT}\n`;
const [one, two, three] = ['w1', 'w2', 'w3'].map((name) => witness(name)) as [
  ReturnType<typeof witness>,
  ReturnType<typeof witness>,
  ReturnType<typeof witness>,
];
const KEYS = [one.key, two.key, three.key];
const open = (raw: Bytes, quorum?: number) => openCheckpoint(raw, board.key, KEYS, quorum);

describe('a checkpoint', () => {
  it('says who signed which tree, and which witnesses saw it when', () => {
    expect(open(signed(TEXT, board, three, one), 2)).toEqual({
      origin: 'board.example/2027',
      size: 7,
      exactSize: 7n,
      root,
      cosignatures: [
        { name: 'w1', time: 1_800_000_000n },
        { name: 'w3', time: 1_800_000_000n },
      ],
    });
  });

  it('has the quorum, where one is asked for', () => {
    expect(() => open(signed(TEXT, board, one), 2)).toThrow(/quorum is 2/u);
    expect(open(signed(TEXT, board, one)).cosignatures).toHaveLength(1);
  });

  it('may be signed by anyone else too, rightly or not', () => {
    const stranger: SignatureLine = { name: 'x', id: new Uint8Array(4), signature: new Uint8Array(1) };
    const impostor = signer('w1');
    const text = utf8(TEXT);
    const raw = note(TEXT, stranger, impostor.sign(text), one.sign(text), stranger, board.sign(text));
    expect(open(raw).cosignatures.map(({ name }) => name)).toEqual(['w1']);
  });

  it('has the board’s own signature', () => {
    const text = utf8(TEXT);
    expect(() => open(signed(TEXT, one, two))).toThrow(/has not signed/u);
    const impostor = { ...signer('another').sign(text), name: board.key.name };
    expect(() => open(note(TEXT, impostor))).toThrow(/has not signed/u);
    expect(() => open(note(TEXT, { ...impostor, id: board.key.id }))).toThrow(/wrong signature/u);
    expect(() => open(note(TEXT, board.sign(utf8(TEXT.replace('7', '8')))))).toThrow(/wrong signature/u);
  });

  it('is signed once by whom one knows', () => {
    expect(() => open(signed(TEXT, board, board))).toThrow(/signed twice/u);
    expect(() => open(signed(TEXT, board, one, one))).toThrow(/signed twice/u);
    expect(openCheckpoint(signed(TEXT, board, one, one), board.key, [two.key]).cosignatures).toEqual([]);
  });

  it.each([
    ['one byte less', (line: SignatureLine) => ({ ...line, signature: line.signature.subarray(0, 71) })],
    ['one byte more', (line: SignatureLine) => ({ ...line, signature: concat(line.signature, new Uint8Array(1)) })],
    ['no time', (line: SignatureLine) => ({ ...line, signature: line.signature.subarray(8) })],
    ['four bytes', (line: SignatureLine) => ({ ...line, signature: line.signature.subarray(0, 4) })],
    [
      'another time',
      (line: SignatureLine) => ({ ...line, signature: line.signature.map((x, at) => (at === 7 ? x ^ 1 : x)) }),
    ],
    ['the signature of another text', () => one.sign(utf8(TEXT.replace('7', '8')))],
  ])('is spoilt by a cosignature with %s', (_why, spoil) => {
    const raw = note(TEXT, board.sign(utf8(TEXT)), spoil(one.sign(utf8(TEXT))));
    expect(() => open(raw)).toThrow(/wrong cosignature of w1/u);
  });

  it.each([
    [0n, false],
    [1n, true],
    [2n ** 53n + 1n, true],
    [2n ** 63n - 1n, true],
    [2n ** 63n, false],
    [2n ** 64n - 1n, false],
  ])('may be cosigned at %d: %s', (time, right) => {
    const raw = signed(TEXT, board, witness('w1', time));
    if (right) expect(open(raw).cosignatures).toEqual([{ name: 'w1', time }]);
    else expect(() => open(raw)).toThrow(/wrong cosignature/u);
  });

  it('has at most 64 signature lines', () => {
    const own = board.sign(utf8(TEXT));
    const others = Array.from({ length: 64 }, (_, at) => ({ ...own, name: `x${at}` }));
    expect(open(note(TEXT, own, ...others.slice(1))).size).toBe(7);
    expect(() => open(note(TEXT, own, ...others))).toThrow(/64 signature lines/u);
  });

  it('has the origin of the board that is asked about', () => {
    expect(() => open(signed(TEXT.replace('2027', '2028'), board))).toThrow(/another origin/u);
  });
});

describe('a checkpoint’s text', () => {
  it.each([
    ['an extension line', `o\n7\n${ROOT}\nmore\n`],
    ['an empty line more', `o\n7\n${ROOT}\n\n`],
    ['two lines', 'o\n7\n'],
    ['no last newline', `o\n7\n${ROOT}`],
    ['no origin', `\n7\n${ROOT}\n`],
    ['no size', `o\n\n${ROOT}\n`],
    ['a leading zero', `o\n07\n${ROOT}\n`],
    ['a sign', `o\n+7\n${ROOT}\n`],
    ['a negative size', `o\n-1\n${ROOT}\n`],
    ['a fraction', `o\n7.0\n${ROOT}\n`],
    ['an exponent', `o\n1e3\n${ROOT}\n`],
    ['hex', `o\n0x7\n${ROOT}\n`],
    ['a space', `o\n 7\n${ROOT}\n`],
    ['digits of another script', `o\n٧\n${ROOT}\n`],
    ['a size of 2^63', `o\n9223372036854775808\n${ROOT}\n`],
    ['a size of twenty digits', `o\n10000000000000000000\n${ROOT}\n`],
    ['a root of 31 bytes', `o\n7\n${toBase64(root.subarray(1))}\n`],
    ['a root of 33 bytes', `o\n7\n${toBase64(concat(root, root.subarray(31)))}\n`],
    ['a root without padding', `o\n7\n${ROOT.replace('=', '')}\n`],
    ['a root with bits left over', `o\n7\n${'A'.repeat(42)}B=\n`],
    ['a root of entries where there are none', `o\n0\n${ROOT}\n`],
  ])('is refused with %s', (_why, text) => {
    expect(() => parseCheckpoint(utf8(text))).toThrow(Malformed);
    const raw = utf8(text);
    const name = text.split('\n')[0] || 'o';
    const own = signer(name);
    expect(outcome(() => openCheckpoint(note(text, own.sign(raw)), own.key))).toBe('Malformed');
  });

  it('may speak of no entries, and of as many as 2^63 - 1', () => {
    expect(parseCheckpoint(utf8(`o\n0\n${toBase64(sha256())}\n`)).exactSize).toBe(0n);
    expect(parseCheckpoint(utf8(`o\n9223372036854775807\n${ROOT}\n`)).exactSize).toBe(2n ** 63n - 1n);
    expect(parseCheckpoint(utf8(`o\n9007199254740993\n${ROOT}\n`)).exactSize).toBe(2n ** 53n + 1n);
  });
});

it('bytes changed anywhere open no other checkpoint, and throw nothing but Malformed', () => {
  const right = signed(TEXT, board, one, two);
  const expected = open(right);
  fc.assert(
    fc.property(fc.nat(right.length - 1), fc.uint8Array({ maxLength: 3 }), fc.nat(3), (at, bytes, cut) => {
      const other = concat(right.subarray(0, at), bytes, right.subarray(at + cut));
      let opened;
      try {
        opened = open(other);
      } catch (error) {
        expect(error).toBeInstanceOf(Malformed);
        return;
      }
      // What a change can do is to hide a witness.
      expect(opened.exactSize === expected.exactSize && equal(opened.root, expected.root)).toBe(true);
      for (const found of opened.cosignatures) expect(expected.cosignatures).toContainEqual(found);
    }),
    { numRuns: 300 },
  );
});
