// Signed notes and the keys that sign them (docs/spec 3.2, 3.3): C2SP signed-note, Ed25519 as RFC 8032 without cofactor.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import {
  concat,
  equal,
  fromBase64,
  fromUtf8,
  leToBigint,
  sha256,
  toBase64,
  toHex,
  utf8,
  type Bytes,
} from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

/** Signature types: of officials and boards, and of witnesses. */
export const SIGNATURE = 0x01;
export const COSIGNATURE = 0x04;
export const NOTE_LIMIT = 1_000_000;

const NEWLINE = 0x0a;
const DASH = '\u2014';
const Point = ed25519.Point;
const ORDER = Point.Fn.ORDER;

/** A verifier key: plain data, so that policies and manifests can be sent to workers. */
export interface Key {
  readonly name: string;
  readonly type: number;
  /** 32 bytes of Ed25519. */
  readonly publicKey: Bytes;
  /** The four bytes by which signature lines name it. */
  readonly id: Bytes;
}

export interface SignatureLine {
  readonly name: string;
  readonly id: Bytes;
  readonly signature: Bytes;
}

export interface Note {
  /** With its last newline. */
  readonly text: Bytes;
  readonly lines: readonly SignatureLine[];
}

/** A key from `name+hex id+base64(type ‖ public key)`. Throws Malformed. */
export function parseKey(text: string): Key {
  const [name, id, ...rest] = text.split('+');
  if (name === undefined || id === undefined || rest.length === 0)
    throw new Malformed('a verifier key has three parts');
  if (!isName(name)) throw new Malformed('a key name is not empty and holds no white space and no plus');
  const raw = fromBase64(rest.join('+'));
  const type = raw[0];
  if (raw.length !== 33 || (type !== SIGNATURE && type !== COSIGNATURE)) {
    throw new Malformed('a verifier key of another type or length');
  }
  const key = keyOf(name, type, raw.subarray(1));
  if (id !== toHex(key.id)) throw new Malformed(`the id of key ${name} is not the one that follows from it`);
  return key;
}

export function keyOf(name: string, type: number, publicKey: Bytes): Key {
  const id = sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey).slice(0, 4);
  return { name, type, publicKey: publicKey.slice(), id };
}

export function formatKey({ name, type, publicKey, id }: Key): string {
  return `${name}+${toHex(id)}+${toBase64(concat(Uint8Array.of(type), publicKey))}`;
}

export function sameKey(one: Key, other: Key): boolean {
  return one.name === other.name && one.type === other.type && equal(one.publicKey, other.publicKey);
}

function isName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}\u0000-\u001f+]/u.test(name);
}

/** Text and signature lines; nothing is verified here. Throws Malformed. */
export function parseNote(raw: Bytes): Note {
  if (raw.length > NOTE_LIMIT) throw new Malformed(`a note of ${raw.length} bytes`);
  if (raw.some((byte) => byte < 0x20 && byte !== NEWLINE)) throw new Malformed('a note with a control character');
  const content = fromUtf8(raw);
  const blank = content.lastIndexOf('\n\n');
  if (blank < 0 || !content.endsWith('\n') || blank + 2 >= content.length) {
    throw new Malformed('a note without signature lines after an empty line');
  }
  const lines = content
    .slice(blank + 2, -1)
    .split('\n')
    .map(parseLine);
  return { text: utf8(content.slice(0, blank + 1)), lines };
}

function parseLine(line: string): SignatureLine {
  const [dash, name, ...rest] = line.split(' ');
  if (dash !== DASH || name === undefined || !isName(name) || rest.length !== 1) {
    throw new Malformed('a note with a line that is no signature line');
  }
  const raw = fromBase64(rest[0] as string);
  if (raw.length < 5) throw new Malformed('a signature line that is too short');
  return { name, id: raw.subarray(0, 4), signature: raw.subarray(4) };
}

/** The bytes of a note. */
export function formatNote({ text, lines }: Note): Bytes {
  const block = lines.map(({ name, id, signature }) => `${DASH} ${name} ${toBase64(concat(id, signature))}\n`);
  return concat(text, utf8(`\n${block.join('')}`));
}

/** Whether a line says that it is of this key, by name and id. */
export function isOf(line: SignatureLine, key: Key): boolean {
  return line.name === key.name && equal(line.id, key.id);
}

/** S < ℓ, A canonical, and R compared as an encoding with S·B − H(R‖A‖M)·A, without cofactor. */
export function verifyEd25519(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  const point = decodeKey(publicKey);
  if (point === null || signature.length !== 64) return false;
  const nonce = signature.subarray(0, 32);
  const s = leToBigint(signature.subarray(32));
  if (s >= ORDER) return false;
  const k = leToBigint(sha512(concat(nonce, publicKey, message))) % ORDER;
  const expected = Point.BASE.multiplyUnsafe(s).add(point.negate().multiplyUnsafe(k));
  return equal(expected.toBytes(), nonce);
}

/** A canonical encoding of a point of prime order. */
export function isValidPublicKey(publicKey: Bytes): boolean {
  const point = decodeKey(publicKey);
  return point !== null && !point.is0() && point.isTorsionFree();
}

function decodeKey(publicKey: Bytes): InstanceType<typeof Point> | null {
  try {
    return Point.fromBytes(publicKey, false);
  } catch {
    return null;
  }
}
