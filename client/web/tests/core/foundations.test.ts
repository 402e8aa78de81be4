// Bytes, canonical JSON, the group, codes and credentials against docs/spec/vectors and RFC 9496.
import { describe, expect, test } from 'vitest';
import {
  concat,
  fromBase64,
  fromBase64url,
  fromHex,
  fromUtf8,
  leToBigint,
  toBase64,
  toBase64url,
  toHex,
  utf8,
} from '../../src/core/bytes.ts';
import { formatCanonical, parseCanonical } from '../../src/core/canonical.ts';
import {
  CodeError,
  formatVoterCode,
  newVoterCode,
  parseTrackingCode,
  parseVoterCode,
  trackingCode,
} from '../../src/core/codes.ts';
import { codePart, credentialOf } from '../../src/core/credentials.ts';
import { Malformed } from '../../src/core/errors.ts';
import {
  add,
  BASE,
  decodePoint,
  decodeScalar,
  encodePoint,
  encodeScalar,
  IDENTITY,
  multiplyBase,
  wideScalar,
} from '../../src/core/group.ts';
import { credentialPart, credentialPartTag } from '../../src/core/relations.ts';
import { verify } from '../../src/core/sigma.ts';
import { ownVectors, publishedVectors } from './vectors.ts';

describe('base64', () => {
  const examples = ['', '00', 'ff', 'fffe', 'fffefd', '0102030405', 'ffffffffffffffffffff'].map(fromHex);

  test('is read back to the bytes it was written from', () => {
    for (const raw of examples) {
      expect(fromBase64url(toBase64url(raw))).toEqual(raw);
      expect(fromBase64(toBase64(raw))).toEqual(raw);
      expect(toBase64url(raw)).toBe(Buffer.from(raw).toString('base64url'));
      expect(toBase64(raw)).toBe(Buffer.from(raw).toString('base64'));
    }
  });

  test.each(['A', 'AB=', 'AB==', 'AC', 'A+8', 'A/8', 'AB C', 'AAé', 'AAAA\n'])('refuses the base64url %j', (text) => {
    expect(() => fromBase64url(text)).toThrow(Malformed);
  });

  test.each(['A', 'AA', 'AA=', 'AB==', 'AA===', 'A-8=', '====', '=', 'AAAA=', 'AA==\n', 'AAA=A'])(
    'refuses the base64 %j',
    (text) => {
      expect(() => fromBase64(text)).toThrow(Malformed);
    },
  );
});

test.each(['A0', '0', '0g', '0 ', '0x00'])('the hex %j is refused', (text) => {
  expect(() => fromHex(text)).toThrow(Malformed);
});

describe('canonical JSON', () => {
  const vectors = ownVectors('canonical_json.json') as {
    accepted: string[];
    refused: { base64: string; why: string }[];
  };

  test.each(vectors.accepted)('%s is its own canonical form', (text) => {
    expect(fromUtf8(formatCanonical(parseCanonical(utf8(text))))).toBe(text);
  });

  test.each(vectors.refused)('$why is refused: $base64', ({ base64 }) => {
    expect(() => parseCanonical(fromBase64(base64))).toThrow(Malformed);
  });

  test('is at most 65,535 bytes', () => {
    expect(parseCanonical(utf8(`"${'a'.repeat(65_533)}"`))).toHaveLength(65_533);
    expect(() => parseCanonical(utf8(`"${'a'.repeat(65_534)}"`))).toThrow(Malformed);
  });

  test('a member named __proto__ is a member like others', () => {
    expect(fromUtf8(formatCanonical(parseCanonical(utf8('{"__proto__":1,"a":2}'))))).toBe('{"__proto__":1,"a":2}');
  });

  test('members that look like numbers stand in the order of their characters', () => {
    expect(fromUtf8(formatCanonical(parseCanonical(utf8('{"10":1,"9":2}'))))).toBe('{"10":1,"9":2}');
    expect(() => parseCanonical(utf8('{"9":2,"10":1}'))).toThrow(Malformed);
  });
});

describe('the group', () => {
  const vectors = ownVectors('keys.json') as {
    points: { scalar: string; point: string }[];
    reduced_scalars: { bytes: string; scalar: string }[];
    refused_points: { encoding: string; why: string }[];
    refused_scalars: { encoding: string; why: string }[];
  };

  test.each(vectors.points)('$scalar times the generator is $point', ({ scalar, point }) => {
    expect(toHex(encodePoint(multiplyBase(decodeScalar(fromHex(scalar)))))).toBe(point);
  });

  test.each(vectors.reduced_scalars)('$bytes is reduced to $scalar', ({ bytes, scalar }) => {
    expect(toHex(encodeScalar(wideScalar(fromHex(bytes))))).toBe(scalar);
  });

  test.each(vectors.refused_points)('$why is no point', ({ encoding }) => {
    expect(() => decodePoint(fromHex(encoding))).toThrow(Malformed);
  });

  test.each(vectors.refused_scalars)('$why is no scalar', ({ encoding }) => {
    expect(() => decodeScalar(fromHex(encoding))).toThrow(Malformed);
  });

  test('an encoding of another length is refused', () => {
    expect(() => decodePoint(encodePoint(BASE).subarray(1))).toThrow(Malformed);
    expect(() => decodeScalar(new Uint8Array(33))).toThrow(Malformed);
  });

  const published = publishedVectors('ristretto255/rfc9496.json') as {
    small_multiples_of_generator: string[];
    invalid_encodings: string[];
  } | null;

  test.skipIf(published === null)('has the small multiples of RFC 9496', () => {
    let sum = IDENTITY;
    for (const [multiple, encoding] of (published?.small_multiples_of_generator ?? []).entries()) {
      expect(toHex(encodePoint(sum))).toBe(encoding);
      expect(toHex(encodePoint(multiplyBase(BigInt(multiple))))).toBe(encoding);
      if (multiple > 0) expect(toHex(encodePoint(decodePoint(fromHex(encoding))))).toBe(encoding);
      sum = add(sum, BASE);
    }
  });

  test.skipIf(published === null)('refuses what RFC 9496 calls invalid', () => {
    for (const encoding of published?.invalid_encodings ?? []) {
      expect(() => decodePoint(fromHex(encoding)), encoding).toThrow(Malformed);
    }
  });
});

describe('codes and credentials', () => {
  interface Code {
    bytes: string;
    code: string;
    registrar: number;
    secret: string;
    part: string;
  }
  const vectors = ownVectors('codes.json') as {
    election: string;
    voters: { codes: Code[]; secret: string; credential: string }[];
    replacement: { replaced: string; secrets: string[]; parts: string[]; proofs: string[]; credential: string };
    accepted_voter_codes: { text: string; bytes: string }[];
    refused_voter_codes: { text: string; why: string }[];
    tracking_codes: { body_hash: string; code: string }[];
    refused_tracking_codes: { text: string; why: string }[];
  };
  const electionId = fromHex(vectors.election);

  test('a voter’s codes give this credential', () => {
    for (const { codes, secret, credential } of vectors.voters) {
      for (const code of codes) {
        const raw = fromHex(code.bytes);
        expect(formatVoterCode(raw)).toBe(code.code);
        const part = codePart(parseVoterCode(code.code), electionId, code.registrar);
        expect(toHex(encodeScalar(part))).toBe(code.secret);
        expect(toHex(encodePoint(multiplyBase(part)))).toBe(code.part);
      }
      const found = credentialOf(
        codes.map(({ bytes }) => fromHex(bytes)),
        electionId,
      );
      expect(toHex(encodeScalar(found.secret))).toBe(secret);
      expect(toHex(found.credential)).toBe(credential);
    }
  });

  test('a replacement’s parts are proved, each for its registrar only, and sum to the credential', () => {
    const { replaced, parts, proofs, credential, secrets } = vectors.replacement;
    const points = parts.map((part) => decodePoint(fromHex(part)));
    points.forEach((point, at) => {
      const proof = fromHex(proofs[at] as string);
      const tag = (registrar: number): string => credentialPartTag(electionId, registrar, fromHex(replaced));
      expect(verify(tag(at + 1), credentialPart(point), proof)).toBe(true);
      expect(verify(tag(at + 2), credentialPart(point), proof)).toBe(false);
      expect(toHex(encodePoint(multiplyBase(leToBigint(fromHex(secrets[at] as string)))))).toBe(parts[at]);
    });
    expect(toHex(encodePoint(points.reduce(add, IDENTITY)))).toBe(credential);
  });

  test.each(vectors.accepted_voter_codes)('the voter code $text is read', ({ text, bytes }) => {
    expect(toHex(parseVoterCode(text))).toBe(bytes);
  });

  test.each(vectors.refused_voter_codes)('a voter code with $why is refused', ({ text }) => {
    expect(() => parseVoterCode(text)).toThrow(CodeError);
  });

  test.each(vectors.tracking_codes)('the tracking code $code is written and read', ({ body_hash, code }) => {
    expect(trackingCode(fromHex(body_hash))).toBe(code);
    expect(parseTrackingCode(code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o'))).toBe(code);
  });

  test.each(vectors.refused_tracking_codes)('a tracking code with $why is refused', ({ text }) => {
    expect(() => parseTrackingCode(text)).toThrow(CodeError);
  });

  test('the error says what is wrong and where, and never repeats the code', () => {
    const code = newVoterCode();
    const fault = (text: string): CodeError => {
      try {
        parseVoterCode(text);
      } catch (error) {
        if (error instanceof CodeError) return error;
      }
      throw new Error('the code was read');
    };
    expect(fault(code.slice(0, -1))).toMatchObject({ reason: 'length', symbols: { found: 27, wanted: 28 } });
    expect(fault(`${code.slice(0, 6)}U${code.slice(7)}`)).toMatchObject({ reason: 'symbol', at: 6 });
    const other = code[0] === '0' ? '2' : '0';
    expect(fault(other + code.slice(1))).toMatchObject({ reason: 'check' });
    expect(fault(other + code.slice(1)).message).not.toContain(code.slice(5, 9));
  });

  test.each(['\u0131', '\u017f', '\u212a', '\uff10'])(
    'a letter that only looks like one of ours is refused: %s',
    (letter) => {
      expect(() => parseVoterCode(letter + newVoterCode().slice(1))).toThrow(CodeError);
    },
  );

  test('bytes joined are what they were apart', () => {
    expect(toHex(concat(fromHex('0102'), fromHex(''), fromHex('03')))).toBe('010203');
  });
});
