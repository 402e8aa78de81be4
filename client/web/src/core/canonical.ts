// Canonical JSON (docs/spec 1.1): one value, one byte string; anything else is refused.
import { equal, fromUtf8, utf8, type Bytes } from './bytes.ts';
import { Malformed } from './errors.ts';
import { LONGEST_ENTRY } from './limits.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const DEEPEST = 8;

/** The value that `raw` is the canonical JSON of; Malformed if it is none's. */
export function parseCanonical(raw: Bytes): Json {
  if (raw.length > LONGEST_ENTRY) throw new Malformed(`JSON of ${raw.length} bytes`);
  const text = fromUtf8(raw);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new Malformed('not JSON');
  }
  // Writing it again is the check of order, white space, escapes, members given twice and how integers are written.
  if (!equal(formatCanonical(value), raw)) throw new Malformed('JSON that is not in its canonical form');
  return value;
}

/** The canonical bytes of a value; Malformed if it has none. */
export function formatCanonical(value: Json): Bytes {
  const raw = utf8(format(value, 0));
  if (raw.length > LONGEST_ENTRY) throw new Malformed(`JSON of ${raw.length} bytes`);
  return raw;
}

function format(value: Json, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) throw new Malformed('a JSON number outside 0 … 2^53-1');
    return String(value);
  }
  if (typeof value === 'string') return formatString(value);
  if (depth === DEEPEST) throw new Malformed(`JSON nested deeper than ${DEEPEST}`);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map((item) => format(item, depth + 1)).join(',')}]`;
  const members = value as { readonly [name: string]: Json };
  const parts = Object.keys(members)
    .sort()
    .map((name) => {
      if (!isAscii(name)) throw new Malformed('a JSON member whose name is not ASCII');
      return `${formatString(name)}:${format(members[name] as Json, depth + 1)}`;
    });
  return `{${parts.join(',')}}`;
}

/** JSON.stringify escapes exactly what 1.1 says, and unpaired surrogates, which are refused here. */
function formatString(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new Malformed('a JSON string with an unpaired surrogate');
  return JSON.stringify(text);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return false;
  return true;
}
