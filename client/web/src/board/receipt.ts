// Receipts: C2SP tlog-proof files without extra data (docs/spec 9.2).
import { fromBase64, fromUtf8, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
const LONGEST = 1_000_000;
const LONGEST_PROOF = 63;
const LARGEST_INDEX = 2n ** 63n - 1n;

export interface Receipt {
  /** Exact below 2^53, and more than any board's otherwise. */
  readonly index: number;
  /** To compare what two receipts say. */
  readonly exactIndex: bigint;
  readonly hashes: readonly Bytes[];
  /** The signed note that the proof leads to. */
  readonly checkpoint: Bytes;
}

/** Throws Malformed. */
export function parseReceipt(raw: Bytes): Receipt {
  if (raw.length > LONGEST) throw new Malformed(`a receipt of ${raw.length} bytes`);
  const blank = raw.findIndex((byte, at) => byte === 0x0a && raw[at + 1] === 0x0a);
  if (blank < 0) throw new Malformed('a receipt of another form');
  const [header, second, ...lines] = fromUtf8(raw.subarray(0, blank)).split('\n');
  const found = /^index (0|[1-9][0-9]{0,18})$/u.exec(second ?? '');
  if (header !== HEADER || found === null) throw new Malformed('a receipt of another form');
  const exactIndex = BigInt(found[1] as string);
  if (exactIndex > LARGEST_INDEX) throw new Malformed('a receipt whose index is no number below 2^63');
  const hashes = lines.map(fromBase64);
  if (hashes.length > LONGEST_PROOF || hashes.some(({ length }) => length !== 32)) {
    throw new Malformed('a receipt whose hashes have another number or length');
  }
  return { index: Number(exactIndex), exactIndex, hashes, checkpoint: raw.slice(blank + 2) };
}
