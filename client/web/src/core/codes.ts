// Codes for people (docs/spec 1.2): tracking codes and voter codes, Crockford's base32 with a check.
import { randomBytes } from '@noble/hashes/utils.js';
import { concat, sha256, utf8, type Bytes } from './bytes.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP = 4;

/** d symbols of content, s symbols of check. */
interface Form {
  readonly label: string;
  readonly content: number;
  readonly check: number;
}

const TRACKING: Form = { label: 'RETALLY-V01-tracking', content: 30, check: 2 };
const VOTER: Form = { label: 'RETALLY-V01-code', content: 24, check: 4 };

const VOTER_CODE_BYTES = 15;

/** What is wrong with a code that a person typed. It never holds the code. */
export class CodeError extends Error {
  override readonly name = 'CodeError';
  /** Wrong number of symbols, a symbol that no code has, or a check that does not fit. */
  readonly reason: 'length' | 'symbol' | 'check';
  /** With `symbol`: where it stands in the text, from 0. */
  readonly at: number | undefined;
  /** With `length`: how many symbols there are and should be. */
  readonly symbols: { readonly found: number; readonly wanted: number } | undefined;

  constructor(reason: CodeError['reason'], at?: number, symbols?: CodeError['symbols']) {
    super({ length: 'a code of a wrong length', symbol: 'a symbol that no code has', check: 'a wrong check' }[reason]);
    this.reason = reason;
    this.at = at;
    this.symbols = symbols;
  }
}

/** The tracking code of H(ballot body). */
export const trackingCode = (bodyHash: Bytes): string => write(TRACKING, bodyHash);

/** The canonical form of a tracking code that was typed or scanned. */
export const parseTrackingCode = (text: string): string => write(TRACKING, read(TRACKING, text));

/** A new voter code from the operating system's generator. */
export const newVoterCode = (): string => formatVoterCode(randomBytes(VOTER_CODE_BYTES));

/** The 15 bytes of a voter code. */
export const parseVoterCode = (text: string): Bytes => read(VOTER, text);

export function formatVoterCode(code: Bytes): string {
  if (code.length !== VOTER_CODE_BYTES) throw new RangeError(`a voter code of ${code.length} bytes`);
  return write(VOTER, code);
}

/** The first 5·count bits, five to a symbol, most significant first. */
function toValues(raw: Bytes, count: number): number[] {
  return Array.from({ length: count }, (_, symbol) => {
    const bit = 5 * symbol;
    const pair = ((raw[bit >> 3] as number) << 8) | (raw[(bit >> 3) + 1] ?? 0);
    return (pair >> (11 - (bit & 7))) & 31;
  });
}

/** The bytes that hold the values' bits, zero-filled to a whole byte. */
function fromValues(values: readonly number[]): Bytes {
  const raw = new Uint8Array(Math.ceil((5 * values.length) / 8));
  values.forEach((value, symbol) => {
    for (let bit = 0; bit < 5; bit += 1) {
      const place = 5 * symbol + bit;
      raw[place >> 3] = (raw[place >> 3] as number) | (((value >> (4 - bit)) & 1) << (7 - (place & 7)));
    }
  });
  return raw;
}

const checkOf = (form: Form, content: Bytes): number[] =>
  toValues(sha256(concat(utf8(form.label), content)), form.check);

function write(form: Form, raw: Bytes): string {
  const values = toValues(raw, form.content);
  const symbols = [...values, ...checkOf(form, fromValues(values))].map((value) => ALPHABET[value]).join('');
  return (symbols.match(new RegExp(`.{1,${GROUP}}`, 'g')) as string[]).join('-');
}

function read(form: Form, text: string): Bytes {
  const values: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const symbol = text[at] as string;
    if (symbol === ' ' || symbol === '-') continue;
    const value = valueOf(symbol);
    if (value < 0) throw new CodeError('symbol', at);
    values.push(value);
  }
  const wanted = form.content + form.check;
  if (values.length !== wanted) throw new CodeError('length', undefined, { found: values.length, wanted });
  const content = fromValues(values.slice(0, form.content));
  const check = checkOf(form, content);
  if (check.some((value, place) => value !== values[form.content + place])) throw new CodeError('check');
  return content;
}

/** A symbol's value with look-alikes and lower case; −1 for one that no code has. Only ASCII letters have a lower case here. */
function valueOf(symbol: string): number {
  if (symbol > '\u007f') return -1;
  const upper = symbol.toUpperCase();
  if (upper === 'I' || upper === 'L') return 1;
  if (upper === 'O') return 0;
  return ALPHABET.indexOf(upper);
}
