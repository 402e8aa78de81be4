// The manifest (docs/spec 4.1, 6.6, 7.8): every member's form, and every rule with a manifest that breaks it alone.
import { describe, expect, it } from 'vitest';
import { concat, fromHex, sha256, toBase64url, toHex, utf8 } from '../../src/core/bytes.ts';
import { formatCanonical, type Json } from '../../src/core/canonical.ts';
import { Malformed } from '../../src/core/errors.ts';
import { parseEntry, wrongSignatures, type OfficialEntry } from '../../src/board/entries.ts';
import { electionId, isQuorum, manifestFaults, parseManifest } from '../../src/board/manifest.ts';
import { formatKey, keyOf } from '../../src/board/notes.ts';
import { ownVectors } from '../core/vectors.ts';
import {
  changed,
  changedAll,
  entryText,
  memberPaths,
  membersAt,
  outcome,
  signer,
  valueAt,
  witness,
  type Path,
} from './signing.ts';

const HONEST = membersAt(0);
const vkey = (name: string) => formatKey(signer(name).key);
const wkey = (name: string) => formatKey(witness(name).key);
const faultsOf = (value: Json) => manifestFaults(parseManifest(value));

/** The honest manifest with these places changed. */
const after = (...changes: readonly (readonly [Path, Json])[]): Json => changedAll(HONEST, changes);

describe('the honest manifest', () => {
  it('breaks no rule', () => {
    expect(faultsOf(HONEST)).toEqual([]);
    expect(parseManifest(HONEST).guardians.keys.map(({ name }) => name)).toEqual([
      'guardian-1',
      'guardian-2',
      'guardian-3',
    ]);
  });

  it('has the election id that its entries name', () => {
    expect(toBase64url(electionId(utf8(entryText(0))))).toBe(membersAt(1)['election']);
  });

  it.each(['ballots.json', 'ceremony.json', 'tally.json'])('is not the only right one: those of %s', (file) => {
    const vectors = ownVectors(file) as { manifest?: string; entries?: string[]; tallies?: { manifest: string }[] };
    const entries = [
      vectors.manifest,
      vectors.entries?.[0],
      ...(vectors.tallies ?? []).map(({ manifest }) => manifest),
    ];
    const raws = entries.filter((entry) => entry !== undefined);
    expect(raws.length).toBeGreaterThan(0);
    for (const raw of raws) {
      const entry = parseEntry(utf8(raw)) as OfficialEntry;
      const manifest = parseManifest(JSON.parse(raw.split('\n')[0] as string) as Json);
      expect(entry.content).toEqual(manifest);
      expect(manifestFaults(manifest)).toEqual([]);
      expect(wrongSignatures(entry, manifest)).toBeNull();
    }
  });
});

describe('the form of a manifest', () => {
  const members = memberPaths(HONEST);
  const objects = [...new Set(members.map((path) => JSON.stringify(path.slice(0, -1))))].map(
    (path) => JSON.parse(path) as Path,
  );

  it.each(members.map((path) => [path.join('.'), path] as const))('has %s', (_name, path) => {
    expect(() => parseManifest(changed(HONEST, path, undefined))).toThrow(Malformed);
  });

  it.each(objects.map((path) => [path.join('.') || 'the whole', path] as const))(
    'has no member more in %s',
    (_name, path) => {
      expect(() => parseManifest(changed(HONEST, [...path, 'more'], 1))).toThrow(Malformed);
      expect(() => parseManifest(changed(HONEST, [...path, 'toString'], 1))).toThrow(Malformed);
    },
  );

  const NULLABLE = ['notice', 'client.bundle', 'districts.0.merge', 'districts.1.merge'];

  it.each(members.map((path) => [path.join('.'), path] as const))('converts no %s from another type', (name, path) => {
    const right = valueAt(HONEST, path);
    for (const wrong of [null, true, 1, '0', [], {}] as const) {
      const same =
        Array.isArray(wrong) === Array.isArray(right) &&
        typeof wrong === typeof right &&
        (wrong === null) === (right === null);
      if (same || (NULLABLE.includes(name) && (wrong === null || typeof wrong === 'string'))) continue;
      expect(outcome(() => parseManifest(changed(HONEST, path, wrong)))).toBe('Malformed');
    }
  });

  const many = <T extends Json>(count: number, one: (at: number) => T): T[] =>
    Array.from({ length: count }, (_, at) => one(at));
  const option = (at: number): Json => ({ id: `o${at}`, title: 'Option' });
  const contest = (at: number): Json => ({ ...(HONEST['contests'] as Record<string, Json>[])[0], id: `c${at}` });
  const digest = toBase64url(sha256());

  it.each<[string, Path, Json]>([
    ['another kind', ['kind'], 'result'],
    ['another version', ['version'], 'RETALLY-V02'],
    ['an empty title', ['title'], ''],
    ['a title of 301', ['title'], 'a'.repeat(301)],
    ['a title with a newline', ['title'], 'a\nb'],
    ['a title with a space before', ['title'], ' a'],
    ['a title with a space behind', ['title'], 'a '],
    ['a title with a delete', ['title'], 'a\u007fb'],
    ['a title with C1', ['title'], 'a\u0090b'],
    ['a title with a line separator', ['title'], 'a\u2028b'],
    ['a title with a paragraph separator', ['title'], 'a\u2029b'],
    ['a title written backwards', ['title'], 'a\u202eb'],
    ['a title with an isolate', ['title'], 'a\u2066b'],
    ['a title with a mark of direction', ['title'], 'a\u200fb'],
    ['a title with a byte order mark', ['title'], '\ufeffa'],
    ['an empty notice', ['notice'], ''],
    ['an option without title', ['contests', 0, 'options', 0, 'title'], ''],
    ['no registrar', ['registrars'], []],
    ['17 registrars', ['registrars'], many(17, (at) => vkey(`r${at}`))],
    ['no guardian', ['guardians', 'keys'], []],
    ['33 guardians', ['guardians', 'keys'], many(33, (at) => vkey(`g${at}`))],
    ['a threshold of 0', ['guardians', 'threshold'], 0],
    ['a threshold of 33', ['guardians', 'threshold'], 33],
    ['33 witnesses', ['witnesses', 'keys'], many(33, (at) => wkey(`w${at}`))],
    ['a negative time', ['opens'], -1],
    ['a time beyond 2^53 - 1', ['closes'], 2 ** 53],
    ['half a second', ['closes'], 1.5],
    ['a grace of more than a day', ['grace'], 86_401],
    ['no contest', ['contests'], []],
    ['65 contests', ['contests'], many(65, contest)],
    ['no option', ['contests', 0, 'options'], []],
    ['257 options', ['contests', 0, 'options'], many(257, option)],
    ['an id in capitals', ['contests', 0, 'id'], 'Question'],
    ['an id that begins with a dot', ['contests', 0, 'id'], '.question'],
    ['an id with a slash', ['districts', 0, 'id'], 'a/b'],
    ['an id of 65', ['styles', 0, 'id'], 'a'.repeat(65)],
    ['an empty id', ['styles', 0, 'id'], ''],
    ['another limit', ['contests', 0, 'limit'], 'none'],
    ['a score of 0', ['contests', 0, 'score'], 0],
    ['a score of 1001', ['contests', 0, 'score'], 1001],
    ['no district', ['districts'], []],
    ['4097 districts', ['districts'], many(4097, (at): Json => ({ id: `d${at}`, merge: null, title: 'D' }))],
    ['no style', ['styles'], []],
    [
      '4097 styles',
      ['styles'],
      many(4097, (at): Json => ({ contests: ['question'], district: 'north', id: `s${at}` })),
    ],
    ['a style of no contest', ['styles', 0, 'contests'], []],
    ['17 origins', ['client', 'origins'], many(17, (at) => `https://${at}.example`)],
    ['a bundle of 31 bytes', ['client', 'bundle'], toBase64url(new Uint8Array(31))],
    ['a bundle of 33 bytes', ['client', 'bundle'], toBase64url(new Uint8Array(33))],
    ['a bundle with padding', ['client', 'bundle'], `${digest}=`],
    ['a bundle with bits left over', ['client', 'bundle'], `${digest.slice(0, -1)}V`],
    ['a bundle in hex', ['client', 'bundle'], toHex(sha256())],
    ['a key that is none', ['authority'], 'authority'],
    ['a key with another id', ['authority'], vkey('authority').replace(/\+[0-9a-f]{8}\+/u, '+00000000+')],
  ])('is refused with %s', (_why, path, value) => {
    expect(() => parseManifest(changed(HONEST, path, value))).toThrow(Malformed);
  });

  it.each<[string, Path, Json]>([
    ['300 code points for a title', ['title'], '\u{1f600}'.repeat(300)],
    ['a notice', ['notice'], 'Only a trial.'],
    ['a grace of a day', ['grace'], 86_400],
    ['the longest id', ['styles', 0, 'id'], `0${'a._-'.repeat(15)}abc`],
    ['16 origins and a digest', ['client'], { bundle: digest, origins: many(16, (at) => `https://${at}.example`) }],
    ['caps of nothing', ['caps'], { replacements: 0, revocations: 0 }],
    ['a notice in Russian', ['notice'], 'Пробное голосование'],
    ['as many guardians as the threshold', ['guardians', 'threshold'], 3],
    ['a quorum of all', ['witnesses', 'quorum'], 3],
    ['no witness', ['witnesses'], { keys: [], quorum: 0 }],
    ['one witness', ['witnesses'], { keys: [wkey('w')], quorum: 1 }],
    ['a merged district', ['districts', 0, 'merge'], null],
    ['a contest without choice', ['contests', 0, 'min'], 1],
    ['as many votes as there are options', ['contests', 0, 'max'], 2],
  ])('may have %s', (_why, path, value) => {
    expect(faultsOf(changed(HONEST, path, value))).toEqual([]);
  });
});

describe('a manifest breaks the rules (V03)', () => {
  const authority = signer('authority').key;
  const order2 = fromHex(`ec${'ff'.repeat(30)}7f`);
  const mixed = fromHex('95'.padEnd(64, '9'));

  const styles = (...lists: readonly (readonly [string, readonly string[]])[]): Json =>
    lists.map(([district, contests], at) => ({ contests, district, id: `s${at}` }));
  const contest = (others: Readonly<Record<string, Json>>): Json => ({
    ...{ id: 'question', limit: 'total', max: 1, min: 0, score: 1, title: 'Question' },
    options: [
      { id: 'o1', title: 'One' },
      { id: 'o2', title: 'Two' },
    ],
    ...others,
  });

  it.each<[string, RegExp, readonly (readonly [Path, Json])[]]>([
    [
      'a witness key for the authority',
      /authority is of another type/u,
      [[['authority'], formatKey(keyOf('authority', 4, witness('x').key.publicKey))]],
    ],
    ['a witness key for the board', /board is of another type/u, [[['board'], wkey('board')]]],
    ['a witness key for a guardian', /g is of another type/u, [[['guardians', 'keys', 1], wkey('g')]]],
    ['a witness key for a registrar', /r is of another type/u, [[['registrars', 1], wkey('r')]]],
    ['an official key for a witness', /w is of another type/u, [[['witnesses', 'keys', 1], vkey('w')]]],
    ['a key of small order', /no point of prime order/u, [[['authority'], formatKey(keyOf('a', 1, order2))]]],
    [
      'the identity',
      /no point of prime order/u,
      [[['board'], formatKey(keyOf('b', 1, fromHex(`01${'00'.repeat(31)}`)))]],
    ],
    ['a key of another order', /no point of prime order/u, [[['registrars', 0], formatKey(keyOf('r', 1, mixed))]]],
    [
      'what is no point',
      /no point of prime order/u,
      [[['witnesses', 'keys', 0], formatKey(keyOf('w', 4, fromHex('02'.padEnd(64, '0'))))]],
    ],
    [
      'one name for two keys',
      /same name/u,
      [[['guardians', 'keys', 0], formatKey(signer('authority', 1, sha256()).key)]],
    ],
    [
      'one name for an official and a witness',
      /same name/u,
      [[['witnesses', 'keys', 0], formatKey(keyOf('authority', 4, witness('x').key.publicKey))]],
    ],
    ['one key in two roles', /same public key/u, [[['registrars', 0], formatKey(keyOf('r', 1, authority.publicKey))]]],
    [
      'one key in two types',
      /same public key/u,
      [[['witnesses', 'keys', 0], formatKey(keyOf('w', 4, authority.publicKey))]],
    ],
    [
      'one name for two guardians',
      /same name/u,
      [[['guardians', 'keys', 1], formatKey(signer('guardian-1', 1, sha256()).key)]],
    ],
    ['a board whose name ends in a slash', /short name/u, [[['board'], vkey('board.example/')]]],
    ['a board whose name ends in capitals', /short name/u, [[['board'], vkey('board.example/Trial')]]],
    ['a board whose name ends in 65 letters', /short name/u, [[['board'], vkey('a'.repeat(65))]]],
    ['a threshold above n', /threshold/u, [[['guardians', 'threshold'], 4]]],
    ['a quorum of less than half', /quorum of 1/u, [[['witnesses', 'quorum'], 1]]],
    ['a quorum of none', /quorum of 0/u, [[['witnesses', 'quorum'], 0]]],
    ['a quorum above all', /quorum of 4/u, [[['witnesses', 'quorum'], 4]]],
    ['a quorum of half', /quorum of 1 among 2/u, [[['witnesses'], { keys: [wkey('x'), wkey('y')], quorum: 1 }]]],
    ['a quorum without witnesses', /quorum of 1 among 0/u, [[['witnesses'], { keys: [], quorum: 1 }]]],
    ['closing as it opens', /closes before/u, [[['closes'], 1_800_000_000]]],
    [
      'two contests of one id',
      /two contests/u,
      [
        [['contests', 1, 'id'], 'question'],
        [['styles', 0, 'contests'], ['question']],
      ],
    ],
    ['two options of one id', /two options of contest question/u, [[['contests', 0, 'options', 1, 'id'], 'o1']]],
    ['a contest in no style', /points is in no style/u, [[['styles', 0, 'contests'], ['question']]]],
    ['min above max', /min 2 and max 1/u, [[['contests', 0, 'min'], 2]]],
    ['a max of 0', /max 0/u, [[['contests', 0, 'max'], 0]]],
    ['a max above all', /max 3 with at most 2/u, [[['contests', 0, 'max'], 3]]],
    ['limits for each option and a min', /limits for each option/u, [[['contests', 1, 'min'], 1]]],
    ['limits for each option and another max', /limits for each option/u, [[['contests', 1, 'max'], 2]]],
    [
      'two districts of one id',
      /two districts/u,
      [
        [['districts', 1, 'id'], 'north'],
        [['styles', 1], { contests: ['question', 'points'], district: 'north', id: 'south' }],
      ],
    ],
    ['a district without style', /south has no style/u, [[['styles'], styles(['north', ['question', 'points']])]]],
    ['a district merged with itself', /north is merged with north/u, [[['districts', 0, 'merge'], 'north']]],
    ['a district merged with none', /north is merged with west/u, [[['districts', 0, 'merge'], 'west']]],
    ['a district merged with other contests', /north is merged with south/u, [[['districts', 0, 'merge'], 'south']]],
    ['two styles of one id', /two styles/u, [[['styles', 1, 'id'], 'north']]],
    [
      'a style of no district',
      /unknown district/u,
      [[['styles'], styles(['north', ['question', 'points']], ['south', ['question']], ['west', ['question']])]],
    ],
    [
      'a style with an unknown contest',
      /manifest's order/u,
      [
        [
          ['styles', 1, 'contests'],
          ['question', 'colour'],
        ],
      ],
    ],
    ['a style that begins with an unknown contest', /manifest's order/u, [[['styles', 1, 'contests'], ['colour']]]],
    [
      'a style with a contest twice',
      /manifest's order/u,
      [
        [
          ['styles', 1, 'contests'],
          ['question', 'question'],
        ],
      ],
    ],
    [
      'a style in another order',
      /manifest's order/u,
      [
        [
          ['styles', 0, 'contests'],
          ['points', 'question'],
        ],
      ],
    ],
    [
      'two styles of one district with other contests',
      /another style of its district/u,
      [[['styles'], styles(['north', ['question', 'points']], ['north', ['question']], ['south', ['question']])]],
    ],
  ])('with %s', (_why, expected, changes) => {
    const faults = faultsOf(after(...changes));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(expected);
  });

  it('and says all that it breaks', () => {
    expect(faultsOf(after([['guardians', 'threshold'], 9], [['closes'], 0], [['contests', 0, 'max'], 9]))).toHaveLength(
      3,
    );
  });

  it('only where it does: merging, a full range and a name without a slash are allowed', () => {
    const same = styles(
      ['north', ['question', 'points']],
      ['south', ['question', 'points']],
      ['south', ['question', 'points']],
    );
    expect(
      faultsOf(after([['styles'], same], [['districts', 0, 'merge'], 'south'], [['districts', 1, 'merge'], 'north'])),
    ).toEqual([]);
    expect(faultsOf(after([['board'], vkey('trial')]))).toEqual([]);
    expect(faultsOf(after([['board'], vkey('https://x.example/a/0.trial-1_')]))).toEqual([]);
    expect(faultsOf(after([['contests', 0], contest({ min: 2, max: 2 })]))).toEqual([]);
  });
});

describe('quorums', () => {
  it('are more than half of the witnesses, and none of none', () => {
    for (let w = 0; w <= 8; w += 1) {
      for (let q = 0; q <= 9; q += 1) {
        expect(isQuorum(w, q)).toBe(w === 0 ? q === 0 : q > w / 2 && q <= w);
      }
    }
  });
});

it('a manifest entry is its own canonical form', () => {
  const raw = utf8(entryText(0));
  const text = formatCanonical(membersAt(0));
  expect(concat(text, raw.subarray(text.length))).toEqual(raw);
});
