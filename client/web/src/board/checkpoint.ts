// Checkpoints: what a board's key signed about its tree, and witnesses cosigned (docs/spec 3.1).
import { concat, equal, fromBase64, fromUtf8, leToBigint, sha256, utf8, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { isOf, parseNote, verifyEd25519, type Key, type SignatureLine } from './notes.ts';

export const CHECKPOINT_LIMIT = 1_000_000;
const MOST_LINES = 64;
const LARGEST = 2n ** 63n - 1n;

export interface Checkpoint {
  readonly origin: string;
  /** Exact below 2^53, and more than any board's otherwise: enough to compare with a board at hand. */
  readonly size: number;
  /** To compare what two checkpoints say. */
  readonly exactSize: bigint;
  readonly root: Bytes;
}

/** A checkpoint with the board's signature, and the right cosignatures of the witnesses that were asked about. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly cosignatures: readonly { readonly name: string; readonly time: bigint }[];
}

/** The three lines of a checkpoint's text. Throws Malformed. */
export function parseCheckpoint(text: Bytes): Checkpoint {
  const lines = fromUtf8(text).split('\n');
  const [origin, size, root] = lines;
  if (lines.length !== 4 || lines[3] !== '' || origin === undefined || size === undefined || root === undefined) {
    throw new Malformed('a checkpoint of another form than three lines');
  }
  if (origin === '' || /[\u0000-\u001f]/u.test(origin)) throw new Malformed('a checkpoint without origin');
  if (!/^(?:0|[1-9][0-9]{0,18})$/u.test(size) || BigInt(size) > LARGEST) {
    throw new Malformed('a checkpoint whose size is no number below 2^63');
  }
  const hash = fromBase64(root);
  if (hash.length !== 32) throw new Malformed('a checkpoint whose root has another length than 32 bytes');
  if (size === '0' && !equal(hash, sha256())) {
    throw new Malformed('a checkpoint of no entries with another root than theirs');
  }
  return { origin, size: Number(size), exactSize: BigInt(size), root: hash };
}

/**
 * A checkpoint that `board` signed, and no known key wrongly or twice; lines of other keys are passed over. With a
 * quorum, at least so many of the witnesses have cosigned it. Throws Malformed.
 */
export function openCheckpoint(
  raw: Bytes,
  board: Key,
  witnesses: readonly Key[] = [],
  quorum: number = 0,
): OpenedCheckpoint {
  const { text, lines } = parseNote(raw);
  if (lines.length > MOST_LINES) throw new Malformed(`a checkpoint with more than ${MOST_LINES} signature lines`);
  const own = onlyLineOf(lines, board);
  if (own === null) throw new Malformed(`a checkpoint that the board's key ${board.name} has not signed`);
  if (!verifyEd25519(board.publicKey, text, own.signature)) throw new Malformed("a wrong signature of the board's key");
  const cosignatures = witnesses.flatMap((witness) => {
    const line = onlyLineOf(lines, witness);
    return line === null ? [] : [{ name: witness.name, time: cosignatureTime(witness, line.signature, text) }];
  });
  if (cosignatures.length < quorum) {
    throw new Malformed(`${cosignatures.length} witnesses cosigned, the quorum is ${quorum}`);
  }
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== board.name) throw new Malformed(`a checkpoint of another origin than ${board.name}`);
  return { ...checkpoint, cosignatures };
}

function onlyLineOf(lines: readonly SignatureLine[], key: Key): SignatureLine | null {
  const own = lines.filter((line) => isOf(line, key));
  if (own.length > 1) throw new Malformed(`a checkpoint that ${key.name} signed twice`);
  return own[0] ?? null;
}

/** tlog-cosignature: eight bytes of time in POSIX seconds, big-endian, and the signature of time and text. */
function cosignatureTime(witness: Key, cosignature: Bytes, text: Bytes): bigint {
  const time = leToBigint(cosignature.slice(0, 8).reverse());
  const message = concat(utf8(`cosignature/v1\ntime ${time}\n`), text);
  const right =
    cosignature.length === 72 &&
    time > 0n &&
    time <= LARGEST &&
    verifyEd25519(witness.publicKey, message, cosignature.subarray(8));
  if (!right) throw new Malformed(`a wrong cosignature of ${witness.name}`);
  return time;
}
