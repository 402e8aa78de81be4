// Codes as people type them: read, or what is wrong with them and where (docs/spec 1.2). Nothing here keeps a code.
import { CodeError, parseTrackingCode, parseVoterCode } from '../core/codes.ts';
import { credentialOf } from '../core/credentials.ts';
import { toHex, type Bytes } from '../core/bytes.ts';

/** A text to show, below `vote.codes` or `track`, with its numbers. */
export interface CodeFault {
  readonly name: 'missing' | 'symbol' | 'short' | 'long' | 'check';
  readonly params: Readonly<Record<string, string | number>>;
}

export type Read<Value> = { readonly value: Value } | { readonly fault: CodeFault };

export const readVoterCode = (text: string): Read<Bytes> => readWith(parseVoterCode, text);

export const readTrackingCode = (text: string): Read<string> => readWith(parseTrackingCode, text);

function readWith<Value>(parse: (text: string) => Value, typed: string): Read<Value> {
  const text = tidy(typed);
  if (/^[\s-]*$/.test(text)) return { fault: { name: 'missing', params: {} } };
  try {
    return { value: parse(text) };
  } catch (error) {
    if (error instanceof CodeError) return { fault: faultOf(error, text) };
    throw error;
  }
}

/** Spaces and dashes of other kinds, as word processors and letters make them. */
export const tidy = (text: string): string =>
  text
    .trim()
    .replace(/\s/g, ' ')
    .replace(/[\u2010-\u2015\u2212]/g, '-');

function faultOf(error: CodeError, text: string): CodeFault {
  if (error.reason === 'symbol') {
    const at = error.at ?? 0;
    const place = text.slice(0, at).replace(/[ -]/g, '').length + 1;
    return { name: 'symbol', params: { place, symbol: [...text.slice(at)][0] ?? '' } };
  }
  if (error.reason === 'length') {
    const { found, wanted } = error.symbols ?? { found: 0, wanted: 0 };
    return { name: found < wanted ? 'short' : 'long', params: { count: found, wanted } };
  }
  return { name: 'check', params: {} };
}

const CODE_LENGTH = 28;

/** Codes that one paste brought together: a field drops the ends of lines, so that only their length tells them apart. */
export function splitCodes(text: string): string[] {
  const symbols = tidy(text).replace(/[ ,;-]/g, '');
  if (symbols.length % CODE_LENGTH !== 0) return [text];
  const codes = symbols.match(new RegExp(`.{${CODE_LENGTH}}`, 'gu')) ?? [];
  return codes.map((code) => (code.match(/.{4}/gu) ?? []).join('-'));
}

export interface Voter {
  readonly secret: bigint;
  readonly credential: Bytes;
}

const MOST_ORDERS = 24;

/**
 * The voter of these codes: in the order given, or in the only other order that makes a credential of the roll, for codes
 * that stand in each other's fields. `known` are the roll's credentials in hex.
 */
export function voterOf(codes: readonly Bytes[], electionId: Bytes, known: { has(name: string): boolean }): Voter {
  const given = credentialOf(codes, electionId);
  if (known.has(toHex(given.credential))) return given;
  let tried = 0;
  for (const order of orders(codes)) {
    if ((tried += 1) > MOST_ORDERS) break;
    const voter = credentialOf(order, electionId);
    if (known.has(toHex(voter.credential))) return voter;
  }
  return given;
}

function* orders<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length <= 1) {
    yield [...items];
    return;
  }
  for (const [at, item] of items.entries()) {
    for (const rest of orders([...items.slice(0, at), ...items.slice(at + 1)])) yield [item, ...rest];
  }
}
