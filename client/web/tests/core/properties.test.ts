// What holds for every contest, choice, code and value, tried on many drawn by fast-check.
import { pippenger } from '@noble/curves/abstract/curve.js';
import { ristretto255 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encryptBallot,
  openBallot,
  openingText,
  parseOpening,
  proveBallot,
  ruleBallots,
  verifyBallots,
  type BallotProof,
  type Choices,
  type Encrypted,
} from '../../src/core/ballot.ts';
import {
  fromBase64url,
  fromHex,
  fromUtf8,
  le,
  leToBigint,
  sha256,
  toBase64,
  fromBase64,
  toBase64url,
  toHex,
  utf8,
} from '../../src/core/bytes.ts';
import { formatCanonical, parseCanonical, type Json } from '../../src/core/canonical.ts';
import { CodeError, formatVoterCode, parseTrackingCode, parseVoterCode, trackingCode } from '../../src/core/codes.ts';
import { ballotLength, bits, weights, type BallotManifest, type ContestLimits } from '../../src/core/contests.ts';
import {
  add,
  BASE,
  encodePoint,
  IDENTITY,
  isIdentity,
  msm,
  multiply,
  multiplyBase,
  ORDER,
  pointEqual,
  randomScalar,
  subtract,
} from '../../src/core/group.ts';

const electionId = sha256(utf8('properties'));
const jointKey = encodePoint(multiplyBase(randomScalar()));
const election = { electionId, jointKey };

/** A contest by the rules of 4.1 and a choice in it: small scores, so that no ballot takes long. */
const contestWithChoice = fc
  .record({ options: fc.integer({ min: 1, max: 4 }), score: fc.integer({ min: 1, max: 6 }), total: fc.boolean() })
  .chain(({ options, score, total }) =>
    fc.array(fc.integer({ min: 0, max: score }), { minLength: options, maxLength: options }).chain((values) => {
      const sum = values.reduce((all, value) => all + value, 0);
      const most = options * score;
      return fc
        .record({ min: fc.integer({ min: 0, max: sum }), max: fc.integer({ min: Math.max(1, sum), max: most }) })
        .map(({ min, max }) => ({
          values,
          contest: {
            options: values.map((_, at) => ({ id: `o${at}` })),
            score,
            ...(total ? { limit: 'total' as const, min, max } : { limit: 'option' as const, min: 0, max: most }),
          },
        }));
    }),
  );

function manifestOf(contests: readonly ContestLimits[]): BallotManifest {
  const named = contests.map((contest, at) => ({ ...contest, id: `c${at}` }));
  return {
    contests: named,
    styles: [
      { id: 'other', contests: [] },
      { id: 'style', contests: named.map(({ id }) => id) },
    ],
  };
}

function encrypt(manifest: BallotManifest, choices: Choices, secret: bigint): Encrypted {
  const credential = encodePoint(multiplyBase(secret));
  return encryptBallot({
    electionId,
    jointKey,
    manifest,
    style: 'style',
    credential,
    previous: sha256(credential),
    choices,
  });
}

function proofOf(ballot: Encrypted, entry: Uint8Array): BallotProof {
  const { proof } = parseCanonical(entry) as { readonly proof: string };
  return { ...ballot, proof: fromBase64url(proof) };
}

describe('a ballot of any contests and choices', () => {
  test('is encrypted, opened, proved and verified, and not opened by other choices', () => {
    const ballots = fc.array(contestWithChoice, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(ballots, (drawn) => {
        const manifest = manifestOf(drawn.map(({ contest }) => contest));
        const choices = drawn.map(({ values }) => values);
        const secret = randomScalar();
        const ballot = encrypt(manifest, choices, secret);
        expect(ballot.bits).toHaveLength(ballotLength(manifest.contests));
        const opening = parseOpening(openingText(ballot));
        const open = (tried: Choices): string =>
          openBallot(opening.body, opening.seed, tried, manifest, electionId, jointKey);
        expect(open(opening.choices)).toBe('agrees');
        const [[first, ...others], ...rest] = choices as [[number, ...number[]], ...number[][]];
        expect(open([[first === 0 ? 1 : 0, ...others], ...rest])).not.toBe('agrees');
        const entry = proveBallot(ballot, secret);
        expect(fromUtf8(entry)).toContain(fromUtf8(ballot.body).slice(0, -1).split(',"style"')[0]);
        expect(verifyBallots(election, [proofOf(ballot, entry)])).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test('reports every step of its progress', () => {
    const manifest = manifestOf([{ options: [1, 2, 3], limit: 'total', score: 1, min: 0, max: 1 }]);
    const steps: string[] = [];
    const [secret, credential] = [7n, encodePoint(multiplyBase(7n))];
    const request = { electionId, jointKey, manifest, style: 'style', credential, previous: new Uint8Array(32) };
    const ballot = encryptBallot({ ...request, choices: [[0, 1, 0]] }, (done, of) => steps.push(`${done}/${of}`));
    expect(steps).toEqual(['1/4', '2/4', '3/4', '4/4']);
    steps.length = 0;
    proveBallot(ballot, secret, { onProgress: (done, of) => steps.push(`${done}/${of}`) });
    expect([steps[0], steps.at(-1), steps.length]).toEqual(['1/18', '18/18', 18]);
  });
});

describe('a ballot with one byte changed', () => {
  const contest: ContestLimits = { options: [1], limit: 'option', score: 1, min: 0, max: 1 };
  const ballot = encrypt(manifestOf([contest]), [[1]], 11n);
  const good = proofOf(ballot, proveBallot(ballot, 11n));

  const withFlips = (raw: Uint8Array): Uint8Array[] =>
    Array.from(raw, (byte, at) => {
      const changed = raw.slice();
      changed[at] = byte ^ (1 << (at % 8));
      return changed;
    });

  test('is good before', () => {
    expect(ruleBallots(election, [good])).toEqual(['proved']);
  });

  test.each(['proof', 'ciphertexts', 'credential', 'bodyHash'] as const)('anywhere in its %s is refused', (member) => {
    const changed = withFlips(good[member]).map((raw) => ({ ...good, [member]: raw }));
    expect(ruleBallots(election, [good, ...changed]).filter((ruling) => ruling === 'proved')).toEqual(['proved']);
  });

  test('in the election id or the joint key is refused', () => {
    for (const id of withFlips(electionId)) {
      expect(verifyBallots({ electionId: id, jointKey }, [good])).toEqual([0]);
    }
    expect(verifyBallots({ electionId, jointKey: encodePoint(BASE) }, [good])).toEqual([0]);
  });

  test('or of another length is refused as badly encoded', () => {
    const shorter = { ...good, proof: good.proof.subarray(32) };
    const longer = { ...good, ciphertexts: new Uint8Array([...good.ciphertexts, ...good.ciphertexts]) };
    expect(ruleBallots(election, [shorter, longer])).toEqual(['encoding', 'encoding']);
  });
});

describe('weights and bits', () => {
  test('of every largest value have exactly 0..D as their subset sums', () => {
    for (let largest = 0; largest <= 40; largest += 1) {
      const every = weights(largest);
      const sums = new Set<number>();
      for (let mask = 0; mask < 2 ** every.length; mask += 1) {
        sums.add(every.reduce((sum, weight, at) => ((mask >> at) & 1 ? sum + weight : sum), 0));
      }
      expect([...sums].sort((a, b) => a - b)).toEqual(Array.from({ length: largest + 1 }, (_, value) => value));
    }
  });

  test('give any value back, up to 2³²−1', () => {
    const pair = fc
      .integer({ min: 0, max: 2 ** 32 - 1 })
      .chain((largest) => fc.tuple(fc.constant(largest), fc.integer({ min: 0, max: largest })));
    fc.assert(
      fc.property(pair, ([largest, value]) => {
        const every = weights(largest);
        expect(every.reduce((sum, weight) => sum + weight, 0)).toBe(largest);
        expect(bits(largest, value).reduce((sum, bit, at) => sum + bit * (every[at] as number), 0)).toBe(value);
      }),
    );
  });
});

describe('codes', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

  test('are read back, in lower case and with spaces too', () => {
    fc.assert(
      fc.property(bytes(15), bytes(32), (raw, hash) => {
        const code = formatVoterCode(raw);
        expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
        expect(parseVoterCode(code)).toEqual(raw);
        expect(parseVoterCode(` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('1', 'l')}`)).toEqual(raw);
        const tracking = trackingCode(hash);
        expect(parseTrackingCode(tracking.replaceAll('-', '').replaceAll('1', 'I'))).toBe(tracking);
      }),
    );
  });

  test('with one symbol changed are refused but for chance', () => {
    let accepted = 0;
    const place = fc.integer({ min: 0, max: 27 });
    fc.assert(
      fc.property(bytes(15), place, fc.integer({ min: 0, max: 31 }), (raw, at, value) => {
        const symbol = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.charAt(value);
        const symbols = formatVoterCode(raw).replaceAll('-', '');
        fc.pre(symbols[at] !== symbol);
        try {
          parseVoterCode(symbols.slice(0, at) + symbol + symbols.slice(at + 1));
          accepted += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(CodeError);
        }
      }),
      { numRuns: 300 },
    );
    expect(accepted).toBeLessThan(3);
  });
});

describe('encodings', () => {
  const name = fc.string({ unit: 'binary-ascii' });
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<Json>(null, true, false),
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    ),
  })).value;

  test('of JSON values are canonical: read and written again they are the same bytes', () => {
    fc.assert(
      fc.property(json, (value) => {
        const raw = formatCanonical(value);
        expect(formatCanonical(parseCanonical(raw))).toEqual(raw);
      }),
      { numRuns: 300 },
    );
  });

  test('of bytes and integers are read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (raw) => {
        expect(fromBase64url(toBase64url(raw))).toEqual(raw);
        expect(fromBase64(toBase64(raw))).toEqual(raw);
        expect(fromHex(toHex(raw))).toEqual(raw);
        expect(le(leToBigint(raw), raw.length)).toEqual(raw);
      }),
    );
  });
});

describe('a sum of many products', () => {
  const scalar = fc.oneof(
    fc.bigInt({ min: 0n, max: ORDER - 1n }),
    fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    fc.constantFrom(0n, 1n, 2n, ORDER - 1n, 2n ** 252n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n),
  );
  const points = Array.from({ length: 9 }, () => multiplyBase(randomScalar()));
  const palette = [...points, IDENTITY, BASE, subtract(IDENTITY, BASE)];

  test('is the sum of the products, with equal points, the identity and extreme scalars among them', () => {
    const pairs = fc.array(fc.tuple(fc.nat({ max: palette.length - 1 }), scalar), { maxLength: 12 });
    fc.assert(
      fc.property(pairs, (drawn) => {
        const chosen = drawn.map(([at]) => palette[at] as typeof BASE);
        const scalars = drawn.map(([, value]) => value);
        const slow = drawn.reduce(
          (sum, [at, value]) =>
            add(sum, isIdentity(palette[at] as typeof BASE) ? IDENTITY : multiply(palette[at] as typeof BASE, value)),
          IDENTITY,
        );
        expect(pointEqual(msm(chosen, scalars), slow)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.each([1, 40, 300, 1500])('of %i products is what noble’s own algorithm gives', (count) => {
    const scalars = Array.from({ length: count }, (_, at) => (at % 3 === 0 ? randomScalar() : randomScalar() >> 125n));
    const many = scalars.map((value, at) =>
      at === 0 ? BASE : add(points[at % 9] as typeof BASE, multiplyBase(value % 997n)),
    );
    expect(pointEqual(msm(many, scalars), pippenger(ristretto255.Point, many, scalars))).toBe(true);
  });

  test('takes negative coefficients modulo the order', () => {
    expect(isIdentity(msm([BASE, BASE], [5n, -5n]))).toBe(true);
    expect(isIdentity(msm([], []))).toBe(true);
  });
});
