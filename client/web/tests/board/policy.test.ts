// Trust policies and receipts (docs/spec 9.1, 9.2): what is written is read, and every line of another form is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, fromUtf8, sha256, toBase64, toHex, utf8 } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import { formatKey, keyOf } from '../../src/board/notes.ts';
import { formatPolicy, parsePolicy, policyFromManifest } from '../../src/board/policy.ts';
import { parseReceipt } from '../../src/board/receipt.ts';
import { ownVectors } from '../core/vectors.ts';
import { HONEST, changed, entryText, membersAt, outcome, signed, signer, witness } from './signing.ts';

const ID = '0123456789abcdef'.repeat(4);
const vkey = (name: string) => formatKey(signer(name).key);
const wkey = (name: string) => formatKey(witness(name).key);
const LOG = `log ${vkey('board.example/2027')}`;
const head = ['retally-policy/v1', `election ${ID}`, LOG];
const written = (...lines: readonly string[]) => utf8(`${lines.join('\n')}\n`);
const witnesses = (...names: readonly string[]) => names.map((name, at) => `witness w${at + 1} ${wkey(name)}`);

describe('a trust policy', () => {
  it('without witnesses is four lines', () => {
    const policy = parsePolicy(written(...head, 'quorum none'));
    expect(policy).toMatchObject({ origin: 'board.example/2027', witnesses: [], quorum: 0 });
    expect(toHex(policy.election)).toBe(ID);
    expect(formatPolicy(policy)).toEqual(written(...head, 'quorum none'));
  });

  it('with witnesses names them in order, and how many make the quorum', () => {
    const raw = written(...head, ...witnesses('x', 'y', 'z'), 'group witnesses 2 w1 w2 w3', 'quorum witnesses');
    const policy = parsePolicy(raw);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(['x', 'y', 'z']);
    expect(policy.quorum).toBe(2);
    expect(formatPolicy(policy)).toEqual(raw);
  });

  it('may have thirty-two witnesses', () => {
    const names = Array.from({ length: 32 }, (_, at) => `x${at}`);
    const group = names.map((_, at) => `w${at + 1}`).join(' ');
    const raw = written(...head, ...witnesses(...names), `group witnesses 17 ${group}`, 'quorum witnesses');
    expect(formatPolicy(parsePolicy(raw))).toEqual(raw);
  });

  it('follows from the manifest, whose hash is the election id', () => {
    expect(fromUtf8(formatPolicy(policyFromManifest(utf8(entryText(0)))))).toBe(HONEST.policy);
    expect(() => policyFromManifest(utf8(entryText(1)))).toThrow(Malformed);
  });

  const [own, other] = [vkey('board.example/2027'), wkey('x')];
  const order2 = fromHex(`ec${'ff'.repeat(30)}7f`);
  const two = witnesses('x', 'y');
  const tail = ['group witnesses 2 w1 w2', 'quorum witnesses'];

  it.each<[string, readonly string[]]>([
    ['nothing', []],
    ['another version', ['retally-policy/v2', ...head.slice(1), 'quorum none']],
    ['no election', ['retally-policy/v1', LOG, 'quorum none']],
    ['a short election id', [head[0] as string, `election ${ID.slice(1)}`, LOG, 'quorum none']],
    ['an election id in capitals', [head[0] as string, `election ${ID.toUpperCase()}`, LOG, 'quorum none']],
    ['no log', [...head.slice(0, 2), 'quorum none']],
    ['two logs', [...head, LOG, 'quorum none']],
    ['a log with a space behind', [...head.slice(0, 2), `${LOG} `, 'quorum none']],
    ['a log with an address', [...head.slice(0, 2), `${LOG} https://board.example`, 'quorum none']],
    ['a witness for a log', [...head.slice(0, 2), `log ${other}`, 'quorum none']],
    ['a log of small order', [...head.slice(0, 2), `log ${formatKey(keyOf('b', 1, order2))}`, 'quorum none']],
    ['no quorum', head],
    ['another quorum', [...head, 'quorum all']],
    ['a line more', [...head, 'quorum none', '']],
    ['a comment', [...head, '# more', 'quorum none']],
    ['an empty line', [...head, '', 'quorum none']],
    ['lines in another order', [head[0] as string, LOG, head[1] as string, 'quorum none']],
    ['no quorum though it has witnesses', [...head, ...two, 'quorum none']],
    ['a quorum of none of its witnesses', [...head, 'group witnesses 0 ', 'quorum witnesses']],
    ['a quorum of half', [...head, ...two, 'group witnesses 1 w1 w2', 'quorum witnesses']],
    ['a quorum of more than all', [...head, ...two, 'group witnesses 3 w1 w2', 'quorum witnesses']],
    ['a quorum with a leading zero', [...head, ...two, 'group witnesses 02 w1 w2', 'quorum witnesses']],
    ['a quorum in words', [...head, ...two, 'group witnesses all w1 w2', 'quorum witnesses']],
    ['a group without one', [...head, ...two, 'group witnesses 2 w1', 'quorum witnesses']],
    ['a group in another order', [...head, ...two, 'group witnesses 2 w2 w1', 'quorum witnesses']],
    ['a group of another name', [...head, ...two, 'group g 2 w1 w2', 'quorum g']],
    ['a group before its witnesses', [...head, tail[0] as string, ...two, tail[1] as string]],
    [
      'a witness behind its group',
      [...head, two[0] as string, 'group witnesses 1 w1', two[1] as string, 'quorum witnesses'],
    ],
    ['other names of witnesses', [...head, ...two.map((line) => line.replace(' w', ' v')), ...tail]],
    [
      'witnesses numbered from 2',
      [...head, ...two.map((line) => line.replace('w2', 'w3').replace('w1', 'w2')), ...tail],
    ],
    ['a witness with a key of another type', [...head, `witness w1 ${vkey('x')}`, two[1] as string, ...tail]],
    ['a witness twice', [...head, ...witnesses('x', 'x'), ...tail]],
    [
      'one public key under two names',
      [...head, two[0] as string, `witness w2 ${formatKey(keyOf('z', 4, witness('x').key.publicKey))}`, ...tail],
    ],
    [
      'the board as its own witness',
      [
        ...head,
        two[0] as string,
        `witness w2 ${formatKey(keyOf('z', 4, signer('board.example/2027').key.publicKey))}`,
        ...tail,
      ],
    ],
    [
      'a witness of small order',
      [...head, two[0] as string, `witness w2 ${formatKey(keyOf('z', 4, order2))}`, ...tail],
    ],
    ['a key that is none', [...head.slice(0, 2), `log ${own.slice(0, -1)}`, 'quorum none']],
  ])('is refused with %s', (_why, lines) => {
    expect(() => parsePolicy(written(...lines))).toThrow(Malformed);
  });

  it('ends in a newline, has no carriage returns, and is UTF-8', () => {
    const right = fromUtf8(written(...head, 'quorum none'));
    for (const wrong of [
      right.slice(0, -1),
      `${right}\n`,
      right.replaceAll('\n', '\r\n'),
      `\ufeff${right}`,
      ` ${right}`,
    ]) {
      expect(() => parsePolicy(utf8(wrong))).toThrow(Malformed);
    }
    expect(() => parsePolicy(concat(utf8(right), Uint8Array.of(0xff, 0x0a)))).toThrow(Malformed);
  });

  it('changed anywhere is another one or none: it never reads as what it is not', () => {
    const right = utf8(HONEST.policy);
    fc.assert(
      fc.property(fc.nat(right.length - 1), fc.uint8Array({ maxLength: 2 }), fc.nat(2), (at, bytes, cut) => {
        const other = concat(right.subarray(0, at), bytes, right.subarray(at + cut));
        let policy;
        try {
          policy = parsePolicy(other);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
          return;
        }
        expect(formatPolicy(policy)).toEqual(other);
      }),
      { numRuns: 1000 },
    );
  });

  it('of a manifest obeys the rules for keys', () => {
    const manifest = membersAt(0);
    const entry = (value: unknown) => signed(`${JSON.stringify(value)}\n`, signer('authority'));
    expect(policyFromManifest(entry(manifest)).quorum).toBe(2);
    const wrong = [
      changed(manifest, ['board'], wkey('b')),
      changed(manifest, ['witnesses', 'keys', 0], vkey('w')),
      changed(manifest, ['witnesses', 'keys', 0], wkey('witness-2')),
      changed(manifest, ['witnesses', 'quorum'], 1),
      changed(manifest, ['witnesses', 'quorum'], 4),
    ];
    for (const one of wrong) expect(outcome(() => policyFromManifest(entry(one)))).toBe('Malformed');
  });
});

describe('the policies of the vectors', () => {
  const { boards } = ownVectors('tampered_boards.json') as { boards: { policy: string }[] };

  it('are read back to their text', () => {
    for (const policy of new Set([HONEST.policy, ...boards.map((board) => board.policy)])) {
      expect(fromUtf8(formatPolicy(parsePolicy(utf8(policy))))).toBe(policy);
    }
  });
});

describe('a receipt', () => {
  const hash = toBase64(sha256(utf8('hash')));
  const NOTE = 'o\n7\nroot\n\n\u2014 o AAAAAAA=\n';
  const receipt = (...lines: readonly string[]) =>
    utf8(`${['c2sp.org/tlog-proof@v1', ...lines].join('\n')}\n\n${NOTE}`);

  it('holds an index, a path and a checkpoint, whose empty lines are its own', () => {
    expect(parseReceipt(receipt('index 5', hash, hash))).toEqual({
      index: 5,
      exactIndex: 5n,
      hashes: [sha256(utf8('hash')), sha256(utf8('hash'))],
      checkpoint: utf8(NOTE),
    });
    expect(parseReceipt(receipt('index 0'))).toMatchObject({ index: 0, hashes: [] });
    expect(parseReceipt(receipt('index 9223372036854775807')).exactIndex).toBe(2n ** 63n - 1n);
    expect(parseReceipt(receipt('index 9007199254740993')).exactIndex).toBe(2n ** 53n + 1n);
    expect(parseReceipt(receipt('index 1', ...Array.from({ length: 63 }, () => hash))).hashes).toHaveLength(63);
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['another header', utf8(`c2sp.org/tlog-proof@v2\nindex 5\n\n${NOTE}`)],
    ['no empty line', utf8('c2sp.org/tlog-proof@v1\nindex 5\n')],
    ['no index', receipt(hash)],
    ['no line but the header', receipt()],
    ['extra data', receipt('extra AAAA', 'index 5', hash)],
    ['a negative index', receipt('index -1', hash)],
    ['a leading zero', receipt('index 05', hash)],
    ['an index of 2^63', receipt('index 9223372036854775808', hash)],
    ['an index of twenty digits', receipt('index 10000000000000000000', hash)],
    ['a space behind the index', receipt('index 5 ', hash)],
    ['64 hashes', receipt('index 5', ...Array.from({ length: 64 }, () => hash))],
    ['a hash of 31 bytes', receipt('index 5', toBase64(new Uint8Array(31)))],
    ['a hash without padding', receipt('index 5', hash.replace('=', ''))],
    ['a hash with bits left over', receipt('index 5', `${'A'.repeat(42)}B=`)],
    ['a carriage return', utf8(fromUtf8(receipt('index 5', hash)).replace('\n', '\r\n'))],
    ['what is no UTF-8', concat(Uint8Array.of(0xff), receipt('index 5', hash))],
  ])('is refused with %s', (_why, raw) => {
    expect(() => parseReceipt(raw)).toThrow(Malformed);
  });

  it('has at most 1,000,000 bytes', () => {
    const right = receipt('index 5', hash);
    const filled = (length: number) => concat(right, new Uint8Array(length - right.length).fill(0x0a));
    expect(parseReceipt(filled(1_000_000)).index).toBe(5);
    expect(() => parseReceipt(filled(1_000_001))).toThrow(Malformed);
  });

  it('of any bytes is read or Malformed', () => {
    const right = receipt('index 5', hash, hash);
    fc.assert(
      fc.property(fc.nat(right.length - 1), fc.uint8Array({ maxLength: 4 }), fc.nat(9), (at, bytes, cut) => {
        const other = concat(right.subarray(0, at), bytes, right.subarray(at + cut));
        expect(['read', 'Malformed']).toContain(outcome(() => parseReceipt(other)));
      }),
      { numRuns: 1000 },
    );
  });
});
