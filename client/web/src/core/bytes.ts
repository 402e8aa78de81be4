// Byte strings, integers and their encodings (docs/spec 1). Every decoder accepts exactly what its encoder writes.
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { Malformed } from './errors.ts';

export type Bytes = Uint8Array;

const encoder = new TextEncoder();

export const utf8 = (text: string): Bytes => encoder.encode(text);

/** The text of bytes that are UTF-8; a byte order mark stays in it. */
export function fromUtf8(raw: Bytes): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new Malformed('not UTF-8');
  }
}

export function concat(...pieces: readonly Bytes[]): Bytes {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Whether two byte strings are the same. Public data only: it stops at the first difference. */
export function equal(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Negative, zero or positive as a stands before, with or after b in lexicographic order. */
export function compare(a: Bytes, b: Bytes): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(raw: Bytes): string {
  let text = '';
  for (const byte of raw) text += HEX[byte] as string;
  return text;
}

/** Lower case only. */
export function fromHex(text: string): Bytes {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new Malformed('not lower-case hex of whole bytes');
  const raw = new Uint8Array(text.length / 2);
  for (let at = 0; at < raw.length; at += 1) raw[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return raw;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const STANDARD = `${LETTERS}+/`;
const URL_SAFE = `${LETTERS}-_`;

function tableOf(alphabet: string): Int8Array {
  const table = new Int8Array(128).fill(-1);
  for (let value = 0; value < 64; value += 1) table[alphabet.charCodeAt(value)] = value;
  return table;
}

const STANDARD_TABLE = tableOf(STANDARD);
const URL_SAFE_TABLE = tableOf(URL_SAFE);

function encode64(raw: Bytes, alphabet: string): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of raw) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet.charAt((held >> bits) & 63);
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet.charAt((held << (6 - bits)) & 63) : text;
}

function decode64(text: string, table: Int8Array): Bytes {
  if (text.length % 4 === 1) throw new Malformed('base64 of an impossible length');
  const raw = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let place = 0; place < text.length; place += 1) {
    const value = table[text.charCodeAt(place)] ?? -1;
    if (value < 0) throw new Malformed(`base64 with a symbol outside its alphabet at ${place}`);
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      raw[at] = (held >> bits) & 255;
      at += 1;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new Malformed('base64 whose unused bits are not zero');
  return raw;
}

export const toBase64url = (raw: Bytes): string => encode64(raw, URL_SAFE);

/** Unpadded base64url; Malformed for anything that `toBase64url` would not have written. */
export const fromBase64url = (text: string): Bytes => decode64(text, URL_SAFE_TABLE);

export function toBase64(raw: Bytes): string {
  const text = encode64(raw, STANDARD);
  return text + '='.repeat(-text.length & 3);
}

/** Padded standard base64; Malformed for anything that `toBase64` would not have written. */
export function fromBase64(text: string): Bytes {
  const bare = text.replace(/={1,2}$/, '');
  if (text.length !== bare.length + (-bare.length & 3))
    throw new Malformed('base64 that is not padded as it should be');
  return decode64(bare, STANDARD_TABLE);
}

/** LE(n, w): n in w bytes, little-endian. */
export function le(n: number | bigint, width: number): Bytes {
  const raw = new Uint8Array(width);
  let rest = BigInt(n);
  if (rest < 0n || rest >> BigInt(8 * width) !== 0n)
    throw new RangeError(`an integer that does not fit ${width} bytes`);
  for (let at = 0; at < width; at += 1) {
    raw[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return raw;
}

/** BE(n, w): n in w bytes, big-endian. */
export const be = (n: number | bigint, width: number): Bytes => le(n, width).reverse();

const WORD = 8;

export function leToBigint(raw: Bytes): bigint {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const odd = raw.length % WORD;
  let value = 0n;
  for (let at = raw.length - 1; at >= raw.length - odd; at -= 1) value = (value << 8n) | BigInt(raw[at] as number);
  for (let at = raw.length - odd - WORD; at >= 0; at -= WORD) value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}

/** H of the pieces joined. */
export function sha256(...pieces: readonly Bytes[]): Bytes {
  if (pieces.length === 1) return nobleSha256(pieces[0] as Bytes);
  const hash = nobleSha256.create();
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
