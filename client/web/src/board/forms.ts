// Forms of JSON members (docs/spec 1.1, page 4): from a value to what it stands for, or Malformed with the member's name.
import { fromBase64url, type Bytes } from '../core/bytes.ts';
import type { Json } from '../core/canonical.ts';
import { Malformed } from '../core/errors.ts';
import { parseKey, type Key } from './notes.ts';

export type Form<T> = (value: Json, name: string) => T;

type FormsOf<T> = { readonly [name in keyof T]: Form<T[name]> };

/** The value of a form. */
export type Formed<F> = F extends Form<infer T> ? T : never;

export function integer(lowest = 0, highest = Number.MAX_SAFE_INTEGER): Form<number> {
  return (value, name) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && lowest <= value && value <= highest) return value;
    throw new Malformed(`${name} is not an integer from ${lowest} to ${highest}`);
  };
}

const LONGEST_TEXT = 300;
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff\p{Surrogate}]/u;

/** 1.1: a text for people. */
export const text: Form<string> = (value, name) => {
  if (typeof value === 'string' && value !== '' && !FORBIDDEN.test(value) && !/^ | $/u.test(value)) {
    if ([...value].length <= LONGEST_TEXT) return value;
  }
  throw new Malformed(`${name} is not a text`);
};

export const isIdentifier = (value: string): boolean => /^[a-z0-9][a-z0-9._-]{0,63}$/u.test(value);

export const identifier: Form<string> = (value, name) => {
  if (typeof value === 'string' && isIdentifier(value)) return value;
  throw new Malformed(`${name} is not an identifier`);
};

export function oneOf<const V extends string>(...values: readonly V[]): Form<V> {
  return (value, name) => {
    const found = values.find((one) => one === value);
    if (found !== undefined) return found;
    throw new Malformed(`${name} is not one of ${values.join(', ')}`);
  };
}

export const boolean: Form<boolean> = (value, name) => {
  if (typeof value === 'boolean') return value;
  throw new Malformed(`${name} is neither true nor false`);
};

export function orNull<T>(form: Form<T>): Form<T | null> {
  return (value, name) => (value === null ? null : form(value, name));
}

export function many<T>(form: Form<T>, fewest = 0, most = Infinity): Form<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length < fewest || value.length > most) {
      throw new Malformed(`${name} is not a list of ${fewest} to ${most}`);
    }
    return (value as readonly Json[]).map((item, at) => form(item, `${name}[${at}]`));
  };
}

/** An object with exactly these members. */
export function record<T extends object>(forms: FormsOf<T>): Form<{ readonly [name in keyof T]: T[name] }> {
  const names = Object.keys(forms).sort();
  return (value, name) => {
    const members = membersOf(value);
    const exact = members !== null && Object.keys(members).length === names.length;
    if (!exact || !names.every((member) => Object.hasOwn(members, member))) {
      throw new Malformed(`${name} is not an object with the members ${names.join(', ')}`);
    }
    const read = (member: string) =>
      (forms as Record<string, Form<unknown>>)[member]?.(members[member] as Json, member);
    return Object.fromEntries(names.map((member) => [member, read(member)])) as T;
  };
}

/** The members of an object; null for what is none. */
export function membersOf(value: Json): { readonly [name: string]: Json } | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  return value as { readonly [name: string]: Json };
}

/** Base64url of exactly `length` bytes. */
export function binary(length: number): Form<Bytes> {
  return (value, name) => {
    const raw = fromBase64url(stringOf(value, name));
    if (raw.length === length) return raw;
    throw new Malformed(`${name} has ${raw.length} bytes, not ${length}`);
  };
}

/** Base64url of a number of pieces of 32 bytes. */
export function pieces(fewest: number): Form<Bytes> {
  return (value, name) => {
    const raw = fromBase64url(stringOf(value, name));
    if (raw.length % 32 === 0 && raw.length >= 32 * fewest) return raw;
    throw new Malformed(`${name} has ${raw.length} bytes`);
  };
}

/** Base64url of any length. */
export const blob: Form<Bytes> = (value, name) => fromBase64url(stringOf(value, name));

export const key: Form<Key> = (value, name) => parseKey(stringOf(value, name));

export const string: Form<string> = (value, name) => stringOf(value, name);

function stringOf(value: Json, name: string): string {
  if (typeof value === 'string') return value;
  throw new Malformed(`${name} is not a string`);
}
