// Signed notes and verifier keys (docs/spec 3.2, 3.3) against golang.org/x/mod, C2SP and docs/spec/vectors, and how strict
// signatures are.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, fromUtf8, le, leToBigint, toBase64, utf8, type Bytes } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import {
  formatKey,
  formatNote,
  isOf,
  isValidPublicKey,
  keyOf,
  parseKey,
  parseNote,
  sameKey,
  verifyEd25519,
  type Key,
} from '../../src/board/notes.ts';
import { ownVectors, publishedVectors } from '../core/vectors.ts';
import { note, outcome, signed, signer } from './signing.ts';

const OWN = ownVectors('keys.json') as {
  signing_keys: { seed: string; name: string; type: number; verifier_key: string }[];
  signed_entries: { text: string; signers: string[]; entry: string }[];
  refused_ed25519_keys: { encoding: string; why: string }[];
};

interface GoCase {
  readonly desc: string;
  readonly note?: string;
  readonly note_hex?: string;
  readonly verify_with: readonly string[];
  readonly verified: readonly string[];
  readonly unverified: number;
  readonly go_error?: string;
}

const GO = publishedVectors('tlog/golang-x-mod-note/note.json') as {
  vkeys: Readonly<Record<string, string>>;
  text: string;
  good: GoCase[];
  bad: GoCase[];
  bad_vkeys: string[];
} | null;

const C2SP = publishedVectors('tlog/c2sp-spec-examples/examples.json') as {
  signed_note: { vkey: string; note: string };
} | null;

/** The keys among these that signed the note, each rightly. */
function verifiedBy(raw: Bytes, keys: readonly Key[]): string[] {
  const { text, lines } = parseNote(raw);
  return lines.flatMap((line) =>
    keys.filter((key) => isOf(line, key) && verifyEd25519(key.publicKey, text, line.signature)).map(formatKey),
  );
}

describe.skipIf(GO === null)('notes of golang.org/x/mod', () => {
  const keysOf = (names: readonly string[]) => names.map((name) => parseKey(GO?.vkeys[name] as string));
  const bytesOf = ({ note: text, note_hex: hex }: GoCase) => (hex === undefined ? utf8(text ?? '') : fromHex(hex));

  it.each(GO?.good ?? [])('$desc: verified', (one) => {
    const raw = bytesOf(one);
    expect(verifiedBy(raw, keysOf(one.verify_with))).toEqual(one.verified.map((name) => GO?.vkeys[name]));
    const { text, lines } = parseNote(raw);
    expect(fromUtf8(text)).toBe(GO?.text);
    expect(lines.length - one.verified.length).toBe(one.unverified);
    expect(formatNote({ text, lines })).toEqual(raw);
  });

  it.each(GO?.bad ?? [])('$desc: refused', (one) => {
    const raw = bytesOf(one);
    if (one.go_error === 'malformed note') {
      // More than a hundred lines are a note here: how many there may be is said where notes are used.
      if (!/^\d+ sig/u.test(one.desc)) expect(() => parseNote(raw)).toThrow(Malformed);
    } else {
      expect(verifiedBy(raw, keysOf(one.verify_with))).toEqual([]);
    }
  });

  it.each([...(GO?.bad_vkeys ?? [])])('the verifier key %s is refused', (text) => {
    expect(() => parseKey(text)).toThrow(Malformed);
  });

  it.each(Object.values(GO?.vkeys ?? {}))('no part and no changed symbol of %s is a key', (whole) => {
    expect(formatKey(parseKey(whole))).toBe(whole);
    for (let at = 0; at < whole.length; at += 1) {
      const other = String.fromCharCode(whole.charCodeAt(at) + 1);
      expect(() => parseKey(whole.slice(0, at) + other + whole.slice(at + 1))).toThrow(Malformed);
      for (let end = at; end <= whole.length; end += 1) {
        if (end - at < whole.length) expect(outcome(() => parseKey(whole.slice(at, end)))).toBe('Malformed');
      }
    }
  });
});

it.skipIf(C2SP === null)('the example of the C2SP page on notes verifies', () => {
  const { vkey, note: text } = (C2SP as NonNullable<typeof C2SP>).signed_note;
  expect(verifiedBy(utf8(text), [parseKey(vkey)])).toEqual([vkey]);
});

describe('verifier keys', () => {
  it.each(OWN.signing_keys)('$verifier_key is that of its seed', ({ seed, name, type, verifier_key }) => {
    const { key } = signer(name, type, fromHex(seed));
    expect(formatKey(key)).toBe(verifier_key);
    expect(sameKey(parseKey(verifier_key), key)).toBe(true);
    expect(isValidPublicKey(key.publicKey)).toBe(true);
  });

  it.each(OWN.refused_ed25519_keys)('a public key is not $why', ({ encoding }) => {
    expect(isValidPublicKey(fromHex(encoding))).toBe(false);
  });

  it('differ by name, by type and by point', () => {
    const { key } = signer('a');
    expect(sameKey(key, keyOf('b', key.type, key.publicKey))).toBe(false);
    expect(sameKey(key, keyOf('a', 4, key.publicKey))).toBe(false);
    expect(sameKey(key, keyOf('a', key.type, signer('b').key.publicKey))).toBe(false);
  });

  const publicKey = signer('a').key.publicKey;
  it.each(['', ' ', 'a b', 'a+b', 'a\tb', 'a\u0001b', 'a\u00a0b', 'a\u0085b', 'a\u2003b', 'a\u3000b', 'a\u001cb'])(
    'the name %j is none',
    (name) => {
      expect(() => parseKey(formatKey(keyOf(name, 1, publicKey)))).toThrow(Malformed);
    },
  );

  // U+180E was white space once, U+200B never was.
  it.each(['a', 'a/b', 'Wahl-Köln', 'a\u200bb', 'a\u180eb', '\u{1f600}'])('the name %j is one', (name) => {
    expect(parseKey(formatKey(keyOf(name, 1, publicKey))).name).toBe(name);
  });

  it('have type 1 or 4, 32 bytes, the id that follows, and canonical base64', () => {
    expect(parseKey(formatKey(keyOf('a', 4, publicKey))).type).toBe(4);
    for (const type of [0, 2, 3, 5, 6, 255]) {
      expect(() => parseKey(formatKey(keyOf('a', type, publicKey)))).toThrow(Malformed);
    }
    for (const wrong of [publicKey.subarray(1), concat(publicKey, Uint8Array.of(0))]) {
      expect(() => parseKey(formatKey(keyOf('a', 1, wrong)))).toThrow(Malformed);
    }
    const right = formatKey(keyOf('a', 1, publicKey));
    const [name, id, encoded] = right.split('+', 2).concat(right.split('+').slice(2).join('+'));
    for (const wrong of [
      `${name}+${id?.toUpperCase()}Z+${encoded}`,
      `${name}+00000000+${encoded}`,
      `${name}+0${id}+${encoded}`,
      `${name}+${id}`,
      `${right}=`,
      `${right}\n`,
      ` ${right}`,
    ]) {
      expect(() => parseKey(wrong)).toThrow(Malformed);
    }
  });
});

describe('notes', () => {
  it.each(OWN.signed_entries)('$text is signed by those who say so, in their order', ({ text, signers, entry }) => {
    expect(verifiedBy(utf8(entry), signers.map(parseKey))).toEqual(signers);
    expect(fromUtf8(parseNote(utf8(entry)).text)).toBe(text);
    expect(fromUtf8(signed(text, ...signers.map((key) => signer(parseKey(key).name))))).toBe(entry);
  });

  const line = signer('a').sign(utf8('text\n'));
  const encoded = toBase64(concat(line.id, line.signature));

  it.each([
    ['nothing', ''],
    ['no signature line', 'text\n\n'],
    ['no empty line', `text\n\u2014 a ${encoded}\n`],
    ['no last newline', `text\n\n\u2014 a ${encoded}`],
    ['an empty line behind', `text\n\n\u2014 a ${encoded}\n\n`],
    ['a hyphen for a dash', `text\n\n- a ${encoded}\n`],
    ['no space behind the dash', `text\n\n\u2014a ${encoded}\n`],
    ['two spaces', `text\n\n\u2014 a  ${encoded}\n`],
    ['a space behind', `text\n\n\u2014 a ${encoded} \n`],
    ['no name', `text\n\n\u2014  ${encoded}\n`],
    ['a plus in the name', `text\n\n\u2014 a+b ${encoded}\n`],
    ['white space in the name', `text\n\n\u2014 a\u00a0b ${encoded}\n`],
    ['no signature', 'text\n\n\u2014 a\n'],
    ['a key id alone', 'text\n\n\u2014 a AAAAAA==\n'],
    ['base64 without padding', `text\n\n\u2014 a ${encoded.replace(/=+$/u, '')}\n`],
    ['base64url', 'text\n\n\u2014 a AAAA-_AA\n'],
    ['bits left over', 'text\n\n\u2014 a AAAAAAB=\n'],
    ['a tab in the text', `te\txt\n\n\u2014 a ${encoded}\n`],
    ['a carriage return', `text\r\n\n\u2014 a ${encoded}\n`],
    ['a zero byte', `te\0xt\n\n\u2014 a ${encoded}\n`],
    ['text behind the lines', `text\n\n\u2014 a ${encoded}\nmore\n`],
  ])('are not notes with %s', (_why, text) => {
    expect(() => parseNote(utf8(text))).toThrow(Malformed);
  });

  it('are UTF-8 of at most 1,000,000 bytes', () => {
    const raw = utf8(`text\n\n\u2014 a ${encoded}\n`);
    expect(() => parseNote(concat(Uint8Array.of(0xff), raw))).toThrow(Malformed);
    const room = 1_000_000 - raw.length;
    expect(parseNote(concat(new Uint8Array(room).fill(0x61), raw)).text.length).toBe(room + 5);
    expect(() => parseNote(concat(new Uint8Array(room + 1).fill(0x61), raw))).toThrow(/1000001 bytes/u);
  });

  it('end their text at the last empty line, and keep a byte order mark', () => {
    const text = '\ufeffone\n\ntwo\n';
    expect(fromUtf8(parseNote(note(text, line)).text)).toBe(text);
  });

  it('are read back to their bytes, or refused as malformed', () => {
    const example = utf8(OWN.signed_entries[0]?.entry as string);
    fc.assert(
      fc.property(fc.nat(example.length - 1), fc.nat(255), fc.nat(3), (at, byte, cut) => {
        const other = concat(example.subarray(0, at), Uint8Array.of(byte), example.subarray(at + cut));
        let read;
        try {
          read = parseNote(other);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
          return;
        }
        expect(formatNote(read)).toEqual(other);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('Ed25519', () => {
  const Point = ed25519.Point;
  const order = Point.Fn.ORDER;
  const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
  const publicKey = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  const signature = fromHex(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  const nothing = new Uint8Array();
  /** Of order 8. */
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
  const identity = Point.ZERO.toBytes();

  it('accepts the first signature of RFC 8032, and none that differs in a bit', () => {
    expect(ed25519.getPublicKey(seed)).toEqual(publicKey);
    expect(verifyEd25519(publicKey, nothing, signature)).toBe(true);
    for (let bit = 0; bit < 512; bit += 7) {
      const other = signature.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(verifyEd25519(publicKey, nothing, other)).toBe(false);
    }
    expect(verifyEd25519(publicKey, Uint8Array.of(0), signature)).toBe(false);
  });

  it('refuses an S that is not reduced', () => {
    const s = leToBigint(signature.subarray(32)) + order;
    expect(verifyEd25519(publicKey, nothing, concat(signature.subarray(0, 32), le(s, 32)))).toBe(false);
  });

  it('refuses other lengths', () => {
    for (const other of [signature.subarray(1), concat(signature, Uint8Array.of(0)), nothing]) {
      expect(verifyEd25519(publicKey, nothing, other)).toBe(false);
      expect(verifyEd25519(other.subarray(0, 31), nothing, signature)).toBe(false);
    }
  });

  it('compares R as an encoding', () => {
    const none = le(0, 32);
    // Under the identity as a key every S·B = R would do; such keys are refused elsewhere (3.3).
    expect(verifyEd25519(identity, nothing, concat(identity, none))).toBe(true);
    for (const unreduced of [
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      `01${'00'.repeat(30)}80`,
    ]) {
      expect(verifyEd25519(identity, nothing, concat(fromHex(unreduced), none))).toBe(false);
      expect(verifyEd25519(fromHex(unreduced), nothing, concat(identity, none))).toBe(false);
    }
  });

  it('has no cofactor: what a torsion component leaves over is wrong', () => {
    const a = 12345n;
    const mixed = Point.BASE.multiply(a).add(torsion).toBytes();
    expect(isValidPublicKey(mixed)).toBe(false);
    const found = new Set<boolean>();
    for (let n = 0; n < 64; n += 1) {
      const message = le(n, 8);
      const nonce = Point.BASE.multiply(678n).toBytes();
      const k = leToBigint(sha512(concat(nonce, mixed, message))) % order;
      const right = verifyEd25519(mixed, message, concat(nonce, le((678n + k * a) % order, 32)));
      expect(right).toBe(k % 8n === 0n);
      found.add(right);
    }
    expect(found.size).toBe(2);
  });
});
