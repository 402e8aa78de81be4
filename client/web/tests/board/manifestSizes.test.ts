// How long ballots, partial decryptions and results can become (docs/spec 6.6, 7.8), so that no election opens that nobody
// can count (V03).
import { describe, expect, it } from 'vitest';
import { toBase64url, utf8, sha256 } from '../../src/core/bytes.ts';
import type { Json } from '../../src/core/canonical.ts';
import { largestBallot, manifestFaults, parseManifest, type Style } from '../../src/board/manifest.ts';
import { formatKey } from '../../src/board/notes.ts';
import { ownVectors } from '../core/vectors.ts';
import { changed, changedAll, membersAt, signed, signer, type Path } from './signing.ts';

const HONEST = membersAt(0);
const vkey = (name: string) => formatKey(signer(name).key);
const faultsOf = (value: Json) => manifestFaults(parseManifest(value));
const after = (...changes: readonly (readonly [Path, Json])[]): Json => changedAll(HONEST, changes);

describe('an election that opens can be counted', () => {
  const { ballots, manifest: raw } = ownVectors('ballots.json') as {
    manifest: string;
    ballots: { name: string; style: string; entry: string }[];
  };
  const manifest = parseManifest(JSON.parse(raw.split('\n')[0] as string) as Json);
  const styleOf = (id: string) => manifest.styles.find((style) => style.id === id) as Style;

  it.each(ballots)('every ballot has the length of its style: $name', ({ style, entry }) => {
    expect(largestBallot(manifest, styleOf(style))).toBe(utf8(entry).length);
  });

  const options = (count: number): Json => Array.from({ length: count }, (_, at) => ({ id: `o${at}`, title: 'O' }));
  const one = (count: number, score: number): Json =>
    after(
      [
        ['contests'],
        [{ id: 'c', limit: 'option', max: count * score, min: 0, options: options(count), score, title: 'C' }],
      ],
      [
        ['styles'],
        [
          { contests: ['c'], district: 'north', id: 'north' },
          { contests: ['c'], district: 'south', id: 'south' },
        ],
      ],
    );

  it('so every ballot fits an entry (6.6)', () => {
    // 64n bytes of ciphertexts and 224n + 64 of proof, in base64url.
    const size = (n: number) =>
      utf8('{"ciphertexts":"","credential":"","election":"","kind":"ballot","previous":"","proof":"","style":"north"}')
        .length +
      129 +
      Math.ceil((64 * n * 4) / 3) +
      Math.ceil(((224 * n + 64) * 4) / 3);
    const most = Array.from({ length: 256 }, (_, n) => n)
      .filter((n) => size(n) <= 65_535)
      .at(-1) as number;
    expect(faultsOf(one(most, 1))).toEqual([]);
    const faults = faultsOf(one(most + 1, 1));
    expect(faults).toEqual(['north', 'south'].map((style) => `a ballot of style ${style} has ${size(most + 1)} bytes`));
  });

  it('so do partial decryption and result (7.8), written out in full', () => {
    const districts = (count: number): Json =>
      after(
        [['districts'], Array.from({ length: count }, (_, at) => ({ id: `d${at}`, merge: null, title: 'D' }))],
        [
          ['styles'],
          Array.from({ length: count }, (_, at) => ({
            contests: ['question', 'points'],
            district: `d${at}`,
            id: `s${at}`,
          })),
        ],
        [['guardians', 'keys', 1], vkey('g\u00fcardian-with-the-longest-name')],
      );
    const lengths = (count: number) => {
      const most = 2 ** 53 - 1;
      const ids = Array.from({ length: count }, (_, at) => `d${at}`);
      const hash = toBase64url(sha256());
      const points = 3 * count;
      const content = {
        'partial-decryption': {
          aggregates: hash,
          election: hash,
          guardian: 3,
          kind: 'partial-decryption',
          points: toBase64url(new Uint8Array(32 * points)),
          proof: toBase64url(new Uint8Array(32 * (points + 2))),
          root: hash,
          size: most,
          units: ids.map((id) => [id]),
        },
        result: {
          ...{ accepted: most, combined: hash, counted: most, credentials: most, election: hash, kind: 'result' },
          ...{ refused: most, superseded: most, voted: most },
          units: ids.map((id) => ({
            contests: [
              { contest: 'question', counts: [most, most] },
              { contest: 'points', counts: [most] },
            ],
            counted: most,
            districts: [id],
            state: 'reported',
          })),
        },
      };
      const length = (value: Json, name: string) => signed(`${JSON.stringify(value)}\n`, signer(name)).length;
      return {
        'partial-decryption': length(content['partial-decryption'], 'g\u00fcardian-with-the-longest-name'),
        result: length(content.result, 'authority'),
      };
    };
    const expected = (count: number) =>
      Object.entries(lengths(count))
        .filter(([, length]) => length > 65_535)
        .map(([kind, length]) => `a ${kind} can have ${length} bytes`);
    const counts = [1, 100, 200, 240, 241, 245, 250, 255, 260, 300, 400];
    for (const count of counts) expect(faultsOf(districts(count))).toEqual(expected(count));
    expect(expected(100)).toEqual([]);
    expect(expected(400)).toHaveLength(2);
  });

  it('sizes are looked at when nothing else is wrong', () => {
    expect(faultsOf(changed(one(256, 1), ['grace'], 0)).length).toBeGreaterThan(0);
    expect(faultsOf(changed(one(256, 1), ['closes'], 0))).toEqual(['the election closes before it opens']);
  });
});
