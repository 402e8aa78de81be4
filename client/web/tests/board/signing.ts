// What tests of src/board sign and look at: keys by the rule of docs/spec/vectors (the seed is the hash of the name), notes,
// checkpoints and cosignatures (docs/spec 3.1, 3.2), and the entries of the vectors' honest board.
import { ed25519 } from '@noble/curves/ed25519.js';
import { be, concat, sha256, toBase64, utf8, type Bytes } from '../../src/core/bytes.ts';
import type { Json } from '../../src/core/canonical.ts';
import { COSIGNATURE, SIGNATURE, keyOf, type Key, type SignatureLine } from '../../src/board/notes.ts';
import { ownVectors } from '../core/vectors.ts';

export interface Signer {
  readonly key: Key;
  readonly sign: (text: Bytes) => SignatureLine;
}

export function signer(name: string, type: number = SIGNATURE, seed: Bytes = sha256(utf8(name))): Signer {
  const key = keyOf(name, type, ed25519.getPublicKey(seed));
  return { key, sign: (text) => ({ name, id: key.id, signature: ed25519.sign(text, seed) }) };
}

/** Signs as a witness does, at a time. */
export function witness(name: string, time: bigint = 1_800_000_000n): Signer {
  const { key, sign } = signer(name, COSIGNATURE);
  const cosign = (text: Bytes): SignatureLine => {
    const line = sign(concat(utf8(`cosignature/v1\ntime ${time}\n`), text));
    return { ...line, signature: concat(be(time, 8), line.signature) };
  };
  return { key, sign: cosign };
}

/** A note as its bytes, written out here and not by what is tested. */
export function note(text: string, ...lines: readonly SignatureLine[]): Bytes {
  const block = lines.map(({ name, id, signature }) => `\u2014 ${name} ${toBase64(concat(id, signature))}\n`);
  return utf8(`${text}\n${block.join('')}`);
}

export const signed = (text: string, ...signers: readonly Signer[]): Bytes =>
  note(text, ...signers.map(({ sign }) => sign(utf8(text))));

interface HonestBoard {
  readonly policy: string;
  readonly entries: readonly string[];
}

export const HONEST = ownVectors('board.json') as HonestBoard;

export const entryText = (index: number): string => HONEST.entries[index] as string;

export type Members = { [name: string]: Json };

/** The members of one of the honest board's entries. */
export const membersAt = (index: number): Members => JSON.parse(entryText(index).split('\n')[0] as string) as Members;

/** A place in JSON: names of members and indices of items. */
export type Path = readonly (string | number)[];

/** A copy in which one place is another value; undefined takes the place away. */
export function changed(value: Json, path: Path, other: Json | undefined): Json {
  const copy = structuredClone(value);
  let at = copy as unknown as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (other === undefined) Reflect.deleteProperty(at, last);
  else at[last] = other;
  return copy;
}

/** One change after the other. */
export function changedAll(value: Json, changes: readonly (readonly [Path, Json])[]): Json {
  return changes.reduce<Json>((at, [path, other]) => changed(at, path, other), value);
}

/** Every place in JSON that is a member of an object. */
export function memberPaths(value: Json, above: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value as object).flatMap(([name, inner]) => {
    const step = Array.isArray(value) ? Number(name) : name;
    const path = [...above, step];
    return [...(Array.isArray(value) ? [] : [path]), ...memberPaths(inner as Json, path)];
  });
}

export const valueAt = (value: Json, path: Path): Json =>
  path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], value) as Json;

/** What a parser of outside bytes may do: give a value, or throw an error of this name. */
export function outcome(parse: () => unknown): string {
  try {
    parse();
    return 'read';
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown';
  }
}
