// Entries (docs/spec 3.2, page 4): every kind has exactly its members in exactly one form (V09), and exactly the signature
// lines that it demands (V04).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromUtf8, sha256, toBase64url, toHex, utf8, type Bytes } from '../../src/core/bytes.ts';
import { formatCanonical, parseCanonical, type Json } from '../../src/core/canonical.ts';
import { Malformed } from '../../src/core/errors.ts';
import {
  parseBallot,
  parseEntry,
  parseOfficialEntry,
  wrongSignatures,
  type OfficialEntry,
} from '../../src/board/entries.ts';
import { parseManifest } from '../../src/board/manifest.ts';
import { formatNote } from '../../src/board/notes.ts';
import { ownVectors } from '../core/vectors.ts';
import {
  HONEST,
  changed,
  entryText,
  memberPaths,
  membersAt,
  note,
  outcome,
  signed,
  signer,
  valueAt,
  type Members,
  type Path,
} from './signing.ts';

const MANIFEST = parseManifest(membersAt(0));
const bytes = (length: number) => toBase64url(new Uint8Array(length).fill(7));
const election = membersAt(1)['election'] as string;

/** An example of each kind but the manifest, and who signs it. */
const EXAMPLES: Readonly<Record<string, readonly [Members, readonly string[]]>> = {
  'guardian-commitment': [membersAt(1), ['guardian-1']],
  'guardian-shares': [membersAt(5), ['guardian-2']],
  'guardian-complaint': [{ against: 1, election, guardian: 2, kind: 'guardian-complaint' }, ['guardian-2']],
  'guardian-answer': [
    { complainant: 2, election, guardian: 1, kind: 'guardian-answer', share: bytes(32) },
    ['guardian-1'],
  ],
  'guardian-confirmation': [membersAt(9), ['guardian-3']],
  'roll-commitment': [membersAt(11), ['registrar-2']],
  roll: [membersAt(12), ['registrar-1']],
  'roll-revocation': [
    { credential: bytes(32), election, kind: 'roll-revocation', reason: 'Lost' },
    ['registrar-1', 'registrar-2'],
  ],
  'roll-replacement': [
    {
      ...{ credential: bytes(32), election, kind: 'roll-replacement' },
      ...{ parts: bytes(64), proofs: bytes(128), reason: 'Lost' },
    },
    ['registrar-1', 'registrar-2'],
  ],
  opening: [membersAt(14), ['authority']],
  closing: [membersAt(21), ['authority']],
  'paper-count': [membersAt(22), ['authority']],
  'partial-decryption': [membersAt(23), ['guardian-1']],
  result: [membersAt(25), ['authority']],
};

const official = (members: Json, names: readonly string[] = ['authority']): Bytes =>
  signed(`${fromUtf8(formatCanonical(members))}\n`, ...names.map((name) => signer(name)));

/** What is read of an entry does not depend on whether its signature is right: here it never is. */
const LINE = signer('authority').sign(new Uint8Array());
const unsigned = (value: Json): Bytes => note(`${JSON.stringify(value)}\n`, LINE);

const ballot = membersAt(15);

describe('the entries of the vectors', () => {
  const texts = [
    ...HONEST.entries,
    ...(ownVectors('ceremony.json') as { complaint: { entries: string[] } }).complaint.entries,
  ];

  it('are read, each as what it is, rightly signed, and back to their bytes', () => {
    const kinds = new Set<string>();
    for (const text of texts) {
      const raw = utf8(text);
      const entry = parseEntry(raw);
      kinds.add(entry.entry === 'ballot' ? entry.kind : entry.content.kind);
      expect(entry.entry).toBe(text.includes('\n') ? 'official' : 'ballot');
      if (entry.entry === 'official') {
        expect(formatNote(entry)).toEqual(raw);
        expect(wrongSignatures(entry, MANIFEST)).toBeNull();
      }
    }
    expect(kinds.size).toBe(14);
  });

  const { ballots, refused } = ownVectors('ballots.json') as {
    ballots: { name: string; body: string; body_hash: string; style: string; entry: string; credential: string }[];
    refused: { name: string; entry: string; check: string }[];
  };

  it.each(ballots)('have the body without proof, and its hash: $name', ({ entry, body, body_hash, ...others }) => {
    const read = parseBallot(utf8(entry));
    expect(fromUtf8(read.body)).toBe(body);
    expect(toHex(read.bodyHash)).toBe(body_hash);
    expect([read.style, toHex(read.credential)]).toEqual([others.style, others.credential]);
  });

  const FORM = [
    ...['a space after a comma', 'members in another order', 'a member twice', 'a member more', 'a member missing'],
    ...['a newline after it', 'an escape that is not needed', 'padding in base64'],
    ...['spare bits of base64 that are not zero', 'the other alphabet of base64'],
  ];

  it('are refused here for their form (V09) and for nothing else', () => {
    expect(refused.filter(({ name }) => FORM.includes(name))).toHaveLength(FORM.length);
    for (const { name, entry, check } of refused) {
      const found = outcome(() => parseEntry(utf8(entry)));
      if (FORM.includes(name)) expect([name, found]).toEqual([name, 'Malformed']);
      if (check !== 'V09') expect([name, found]).toEqual([name, 'read']);
    }
  });
});

describe.each(Object.entries(EXAMPLES))('a %s', (kind, [members, names]) => {
  const paths = memberPaths(members);
  const refuses = (path: Path, value: Json | undefined) => {
    const found = outcome(() => parseEntry(unsigned(changed(members, path, value))));
    expect([path.join('.'), JSON.stringify(value), found]).toEqual([
      path.join('.'),
      JSON.stringify(value),
      'Malformed',
    ]);
  };

  it('is read, and signed by whom it has to be', () => {
    const entry = parseEntry(official(members, names)) as OfficialEntry;
    expect(entry.content.kind).toBe(kind);
    expect(wrongSignatures(entry, MANIFEST)).toBeNull();
  });

  it('has every member, and no other', () => {
    for (const path of paths) refuses(path, undefined);
    for (const above of new Set(paths.map((path) => JSON.stringify(path.slice(0, -1))))) {
      const place = JSON.parse(above) as Path;
      refuses([...place, 'more'], 0);
      refuses([...place, '__proto__2'], 0);
    }
  });

  it('converts no member from another type', () => {
    for (const path of paths) {
      const right = valueAt(members, path);
      for (const wrong of [null, true, 1, '\n', [], {}, ['\n'], [null]] as const) {
        // Lists may be empty where the spec says so, and a boolean or number of the right type is another right entry.
        if (Array.isArray(right) && Array.isArray(wrong) && wrong.length === 0) continue;
        if (typeof right === typeof wrong && !(right instanceof Object) && typeof right !== 'string') continue;
        refuses(path, wrong);
      }
    }
  });

  it('has binary members of their length', () => {
    for (const path of paths) {
      const right = valueAt(members, path);
      if (typeof right !== 'string' || !/^[A-Za-z0-9_-]{43,}$/u.test(right)) continue;
      refuses(path, right.slice(0, -1));
      refuses(path, `${right}A`);
      refuses(path, `${right}=`);
      const raw = Buffer.from(right, 'base64url');
      refuses(path, toBase64url(new Uint8Array(raw.subarray(1))));
      refuses(path, toBase64url(concat(new Uint8Array(raw), new Uint8Array(1))));
    }
  });

  it('is no other kind', () => {
    for (const other of ['manifest', 'ballot', 'unknown', '', 'toString', ...Object.keys(EXAMPLES)]) {
      if (other !== kind) refuses(['kind'], other);
    }
  });

  it('is signed by those and nobody else, in that order and once (V04)', () => {
    const text = `${fromUtf8(formatCanonical(members))}\n`;
    const wrong = (...lines: readonly string[]) =>
      wrongSignatures(parseOfficialEntry(signed(text, ...lines.map((name) => signer(name)))), MANIFEST);
    const others = ['authority', 'guardian-1', 'guardian-2', 'guardian-3', 'registrar-1', 'registrar-2', 'stranger'];
    for (const other of others) {
      if (other !== names[0] || names.length > 1) expect(wrong(other)).toMatch(/is signed by/u);
      expect(wrong(...names, other)).toMatch(/is signed by/u);
      expect(wrong(other, ...names)).toMatch(/is signed by/u);
    }
    if (names.length > 1) expect(wrong(...[...names].reverse())).toMatch(/is signed by/u);
    const lines = names.map((name) => signer(name).sign(utf8(text)));
    const read = (spoilt: readonly (typeof lines)[number][]) =>
      wrongSignatures(parseOfficialEntry(note(text, ...spoilt)), MANIFEST);
    lines.forEach((line, at) => {
      const flipped = line.signature.map((byte, place) => (place === 40 ? byte ^ 1 : byte));
      for (const signature of [flipped, line.signature.subarray(1), signer('stranger').sign(utf8(text)).signature]) {
        expect(read(lines.with(at, { ...line, signature }))).toMatch(/is wrong/u);
      }
      expect(read(lines.with(at, { ...line, id: line.id.map((byte) => byte ^ 1) }))).toMatch(/is signed by/u);
    });
  });
});

describe('limits of single kinds', () => {
  const hex = (length: number) => bytes(32 * length);
  const shares = (count: number): Json =>
    Array.from({ length: count }, (_, at) => ({ ciphertext: bytes(80), guardian: at + 1 }));
  const stations = (count: number, votes: Json = [1, 2]): Json =>
    Array.from({ length: count }, (_, at) => ({ id: `s${at}`, invalid: 0, votes }));
  const list = (count: number): Json => Array.from({ length: count }, () => 0);

  it.each<[string, string, Path, Json, boolean]>([
    ['guardian 0', 'guardian-confirmation', ['guardian'], 0, false],
    ['guardian 33, which only a manifest refuses', 'guardian-confirmation', ['guardian'], 33, true],
    ['half a guardian', 'guardian-confirmation', ['guardian'], 1.5, false],
    ['registrar 0', 'roll', ['registrar'], 0, false],
    ['a complaint against 0', 'guardian-complaint', ['against'], 0, false],
    ['no commitment', 'guardian-commitment', ['commitments'], '', false],
    ['many commitments, which only a manifest refuses', 'guardian-commitment', ['commitments'], hex(5), true],
    ['31 shares', 'guardian-shares', ['shares'], shares(31), true],
    ['32 shares', 'guardian-shares', ['shares'], shares(32), false],
    ['no share', 'guardian-shares', ['shares'], [], true],
    ['a ciphertext of 79 bytes', 'guardian-shares', ['shares', 0, 'ciphertext'], bytes(79), false],
    ['a commitment to no credential', 'roll-commitment', ['credentials'], 0, false],
    ['a part of no credential', 'roll', ['parts'], '', false],
    ['no style', 'roll', ['styles'], [], false],
    ['1000 styles', 'roll', ['styles'], list(1000), true],
    ['1001 styles', 'roll', ['styles'], list(1001), false],
    ['a negative style', 'roll', ['styles', 0], -1, false],
    ['no reason', 'roll-revocation', ['reason'], '', false],
    ['a reason that reads backwards', 'roll-replacement', ['reason'], 'a\u202eb', false],
    ['no credential on the roll', 'opening', ['credentials'], 0, true],
    ['a number beyond 2^53 - 1', 'closing', ['ballots'], 2 ** 53 - 1, true],
    ['no polling station', 'paper-count', ['stations'], [], false],
    ['500 polling stations', 'paper-count', ['stations'], stations(500), true],
    ['501 polling stations', 'paper-count', ['stations'], stations(501), false],
    ['a station without votes', 'paper-count', ['stations'], stations(1, []), false],
    ['a station with 257 votes', 'paper-count', ['stations'], stations(1, list(257)), false],
    ['a negative count', 'paper-count', ['stations', 0, 'invalid'], -1, false],
    ['a late that is 0', 'paper-count', ['late'], 0, false],
    ['a district in capitals', 'paper-count', ['district'], 'North', false],
    ['no unit and no point', 'partial-decryption', ['points'], '', true],
    ['no unit', 'partial-decryption', ['units'], [], true],
    ['a unit of nothing', 'partial-decryption', ['units', 0], [], true],
    ['a unit in capitals', 'partial-decryption', ['units', 0, 0], 'North', false],
    ['no proof', 'partial-decryption', ['proof'], '', false],
    ['another state', 'result', ['units', 0, 'state'], 'hidden', false],
    ['an empty unit', 'result', ['units', 0, 'state'], 'empty', true],
    ['a withheld unit', 'result', ['units', 0, 'contests'], [], true],
    ['a contest without counts', 'result', ['units', 0, 'contests', 0, 'counts'], [], true],
  ])('%s in a %s', (_why, kind, path, value, right) => {
    const [members] = EXAMPLES[kind] as (typeof EXAMPLES)[string];
    const found = outcome(() => parseEntry(unsigned(changed(members, path, value))));
    expect(found).toBe(right ? 'read' : 'Malformed');
  });
});

describe('an official’s entry', () => {
  const right = utf8(entryText(21));
  const [text, , line] = entryText(21).split('\n') as [string, string, string];

  it.each([
    ['no signature line', `${text}\n\n`],
    ['no empty line', `${text}\n${line}\n`],
    ['two empty lines', `${text}\n\n\n${line}\n`],
    ['a newline before', `\n${text}\n\n${line}\n`],
    ['two lines of text', `${text}\n${text}\n\n${line}\n`],
    ['a space in its JSON', `${text.replace(':', ': ')}\n\n${line}\n`],
    ['a space behind its JSON', `${text} \n\n${line}\n`],
    ['no JSON', `closing\n\n${line}\n`],
    ['a list', `[]\n\n${line}\n`],
    ['null', `null\n\n${line}\n`],
    ['no kind', `{}\n\n${line}\n`],
    ['a kind that is no text', `{"kind":["closing"]}\n\n${line}\n`],
    ['a byte order mark', `\ufeff${text}\n\n${line}\n`],
    ['a newline behind', `${text}\n\n${line}\n\n`],
    ['no last newline', `${text}\n\n${line}`],
    ['base64 without padding', `${text}\n\n${line.replace(/=+$/u, '')}\n`],
    ['a carriage return', `${text}\r\n\n${line}\n`],
    ['the ballot’s form', text],
  ])('is refused with %s', (_why, wrong) => {
    expect(() => parseEntry(utf8(wrong))).toThrow(Malformed);
  });

  it('has at most 65,535 bytes with its signatures', () => {
    const name = (length: number) => 'n'.repeat(length);
    const room = 65_535 - official(EXAMPLES['closing']?.[0] as Members, [name(1)]).length;
    const at = (length: number) => official(EXAMPLES['closing']?.[0] as Members, [name(length + 1)]);
    expect(parseOfficialEntry(at(room)).lines).toHaveLength(1);
    expect(at(room)).toHaveLength(65_535);
    expect(() => parseOfficialEntry(at(room + 1))).toThrow(/65536 bytes/u);
  });

  it('by a guardian who is none is nobody’s', () => {
    const members = changed(EXAMPLES['guardian-confirmation']?.[0] as Members, ['guardian'], 4);
    expect(wrongSignatures(parseOfficialEntry(official(members, ['guardian-4'])), MANIFEST)).not.toBeNull();
  });

  it('is not signed by a key of another type in the manifest', () => {
    const entry = parseOfficialEntry(right);
    const authority = { ...MANIFEST.authority, type: 4 };
    expect(wrongSignatures(entry, MANIFEST)).toBeNull();
    expect(wrongSignatures(entry, { ...MANIFEST, authority })).toMatch(/wrong/u);
  });
});

describe('a ballot', () => {
  const parsed = (members: Json) => outcome(() => parseEntry(utf8(JSON.stringify(members))));

  it('has every member, no other, and of no other type', () => {
    expect(parsed(ballot)).toBe('read');
    for (const [name, right] of Object.entries(ballot)) {
      expect(parsed(changed(ballot, [name], undefined))).toBe('Malformed');
      for (const wrong of [null, 1, true, [], {}, [right], name === 'style' ? 1 : '*'] as Json[]) {
        expect([name, parsed(changed(ballot, [name], wrong))]).toEqual([name, 'Malformed']);
      }
    }
    expect(parsed({ ...ballot, zone: 1 })).toBe('Malformed');
    expect(parsed({ ...ballot, kind: 'closing' })).toBe('Malformed');
  });

  it('has a credential, an election and a predecessor of 32 bytes; other lengths are its style’s', () => {
    for (const name of ['credential', 'election', 'previous']) {
      for (const length of [0, 31, 33, 64]) {
        expect(parsed(changed(ballot, [name], bytes(length)))).toBe('Malformed');
      }
    }
    for (const name of ['ciphertexts', 'proof']) expect(parsed(changed(ballot, [name], bytes(5)))).toBe('read');
  });

  it('has a body that does not depend on its proof', () => {
    const other = parseBallot(utf8(JSON.stringify({ ...ballot, proof: bytes(10) })));
    const own = parseBallot(utf8(entryText(15)));
    expect(other.body).toEqual(own.body);
    expect(own.bodyHash).toEqual(sha256(own.body));
    expect(parseCanonical(own.body)).toEqual(changed(ballot, ['proof'], undefined));
  });
});

describe('whatever the bytes, parseEntry gives an entry of exactly these or throws Malformed', () => {
  const check = (raw: Bytes) => {
    let entry;
    try {
      entry = parseEntry(raw);
    } catch (error) {
      expect(error).toBeInstanceOf(Malformed);
      return;
    }
    const text = entry.entry === 'ballot' ? raw : entry.text.subarray(0, -1);
    expect(formatCanonical(parseCanonical(text))).toEqual(text);
    if (entry.entry === 'official') expect(formatNote(entry)).toEqual(raw);
  };
  const examples = HONEST.entries.map(utf8);

  it('when they are anything', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 1000 });
    fc.assert(
      fc.property(fc.json(), (text) => check(utf8(text))),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => check(note(`${text}\n`, LINE))),
      { numRuns: 1000 },
    );
  });

  it('when they are nearly an entry', () => {
    const near = fc
      .constantFrom(...examples)
      .chain((raw) =>
        fc
          .tuple(fc.nat(raw.length - 1), fc.uint8Array({ maxLength: 3 }), fc.nat(3))
          .map(([at, other, cut]) => concat(raw.subarray(0, at), other, raw.subarray(at + cut))),
      );
    fc.assert(fc.property(near, check), { numRuns: 3000 });
  });

  it('when a member is any JSON', () => {
    const places = HONEST.entries.flatMap((_, index) =>
      memberPaths(membersAt(index)).map((path) => [index, path] as const),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), ([index, path], value) => {
        const other = changed(membersAt(index), path, value as Json);
        check(entryText(index).includes('\n') ? unsigned(other) : utf8(JSON.stringify(other)));
      }),
      { numRuns: 1000 },
    );
  });

  it('when they are two entries in one, or a part', () => {
    for (const one of examples) {
      check(concat(one, one));
      for (let end = 0; end < one.length; end += 37) check(one.subarray(0, end));
    }
    expect(() => parseEntry(concat(examples[15] as Bytes, examples[15] as Bytes))).toThrow(Malformed);
    expect(() => parseEntry(new Uint8Array())).toThrow(Malformed);
  });
});
