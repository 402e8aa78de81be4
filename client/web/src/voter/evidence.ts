// Files of evidence (docs/spec 11): two things a party signed that no append-only log can both have. Written here when a
// receipt and the board contradict each other, and read back before they are offered: a file that proves nothing is not.
import { equal, fromBase64url, fromUtf8, toBase64url, utf8, type Bytes } from '../core/bytes.ts';
import { Malformed, readOr } from '../core/errors.ts';
import { openCheckpoint, type Checkpoint } from '../board/checkpoint.ts';
import { electionId } from '../board/manifest.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../board/merkle.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { parseReceipt, type Receipt } from '../board/receipt.ts';
import type { ProvedBoard, TreeHead } from './provedBoard.ts';
import { readManifest, Untrustworthy, type BoardView } from './reading.ts';

const LIMIT = 4_194_304;
const MOST_CHECKPOINTS = 16;
const MOST_PROOFS = 64;
const LONGEST_PROOF = 63;

/** That a checkpoint of the file had this root when it had `size` entries. */
export interface Prefix {
  readonly checkpoint: number;
  readonly size: number;
  readonly root: Bytes;
  readonly proof: readonly Bytes[];
}

/** That a checkpoint of the file has this leaf hash at `index`. */
export interface Inclusion {
  readonly checkpoint: number;
  readonly index: number;
  readonly leaf: Bytes;
  readonly proof: readonly Bytes[];
}

export interface Evidence {
  readonly election: Bytes;
  readonly manifest: Bytes;
  readonly checkpoints: readonly Bytes[];
  readonly receipts: readonly { readonly entry: Bytes | null; readonly receipt: Bytes }[];
  readonly prefixes: readonly Prefix[];
  readonly inclusions: readonly Inclusion[];
}

/** The file's bytes: canonical, members in order as they stand here. */
export function formatEvidence(evidence: Evidence): Bytes {
  const hashes = (proof: readonly Bytes[]): string[] => proof.map(toBase64url);
  const value = {
    checkpoints: evidence.checkpoints.map(toBase64url),
    election: toBase64url(evidence.election),
    inclusions: evidence.inclusions.map(({ checkpoint, index, leaf, proof }) => ({
      checkpoint,
      index,
      leaf: toBase64url(leaf),
      proof: hashes(proof),
    })),
    kind: 'retally-evidence',
    manifest: toBase64url(evidence.manifest),
    prefixes: evidence.prefixes.map(({ checkpoint, proof, root, size }) => ({
      checkpoint,
      proof: hashes(proof),
      root: toBase64url(root),
      size,
    })),
    receipts: evidence.receipts.map(({ entry, receipt }) => ({
      entry: entry === null ? null : toBase64url(entry),
      receipt: toBase64url(receipt),
    })),
    version: 'RETALLY-V01',
  };
  return utf8(JSON.stringify(value));
}

/** Throws Malformed for bytes that `formatEvidence` would not have written. */
export function parseEvidence(raw: Bytes): Evidence {
  if (raw.length > LIMIT) throw new Malformed(`evidence of ${raw.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(raw));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Malformed('not JSON');
    throw error;
  }
  const file = object(value);
  if (file['kind'] !== 'retally-evidence' || file['version'] !== 'RETALLY-V01') throw new Malformed('not evidence');
  const evidence: Evidence = {
    election: bytes(file['election'], 32),
    manifest: bytes(file['manifest']),
    checkpoints: list(file['checkpoints'], MOST_CHECKPOINTS).map((one) => bytes(one)),
    receipts: list(file['receipts'], MOST_CHECKPOINTS).map((one) => {
      const { entry, receipt } = object(one);
      return { entry: entry === null ? null : bytes(entry), receipt: bytes(receipt) };
    }),
    prefixes: list(file['prefixes'], MOST_PROOFS).map((one) => {
      const { checkpoint, size, root, proof } = object(one);
      return { checkpoint: whole(checkpoint), size: whole(size), root: bytes(root, 32), proof: proofOf(proof) };
    }),
    inclusions: list(file['inclusions'], MOST_PROOFS).map((one) => {
      const { checkpoint, index, leaf, proof } = object(one);
      return { checkpoint: whole(checkpoint), index: whole(index), leaf: bytes(leaf, 32), proof: proofOf(proof) };
    }),
  };
  // Writing it again is the check of members, their order and how everything is written.
  if (!equal(formatEvidence(evidence), raw)) throw new Malformed('evidence that is not in its canonical form');
  return evidence;
}

/** Whom a file proves at fault (11.4); nobody if `board` is false. */
export interface Fault {
  readonly board: boolean;
  readonly witnesses: readonly string[];
}

/** What a checkpoint of the file says: this root at a size, or this leaf at an index. */
interface Statement {
  readonly checkpoint: number;
  readonly of: 'root' | 'leaf';
  readonly at: bigint;
  readonly hash: Bytes;
}

/** Throws Malformed if the manifest is not the election's, or not a right one. */
export function judgeEvidence(evidence: Evidence): Fault {
  const { manifest, election } = evidence;
  if (!equal(electionId(manifest), election)) throw new Malformed('the manifest is not that of the election');
  const policy = policyOf(manifest);
  const receipts = evidence.receipts.map(({ entry, receipt }) => ({ entry, ...parsed(receipt) }));
  const speakers = [...evidence.checkpoints, ...receipts.map(({ checkpoint }) => checkpoint)].map((raw) =>
    speakersOf(raw, policy),
  );
  const statements: Statement[] = [];
  const root = (checkpoint: number, size: number | bigint, hash: Bytes): void => {
    statements.push({ checkpoint, of: 'root', at: BigInt(size), hash });
  };
  const leaf = (checkpoint: number, index: number | bigint, hash: Bytes): void => {
    statements.push({ checkpoint, of: 'leaf', at: BigInt(index), hash });
  };
  speakers.forEach((speaker, at) => speaker !== null && root(at, speaker.head.exactSize, speaker.head.root));
  for (const prefix of evidence.prefixes) {
    const head = speakers[prefix.checkpoint]?.head;
    if (head === undefined || prefix.size < 1 || prefix.size >= head.exactSize) continue;
    if (verifyConsistency(prefix.size, prefix.root, head.exactSize, head.root, prefix.proof)) {
      root(prefix.checkpoint, prefix.size, prefix.root);
    }
  }
  for (const inclusion of evidence.inclusions) {
    const head = speakers[inclusion.checkpoint]?.head;
    if (head === undefined || inclusion.index >= head.exactSize) continue;
    if (verifyInclusion(inclusion.leaf, inclusion.index, head.exactSize, inclusion.proof, head.root)) {
      leaf(inclusion.checkpoint, inclusion.index, inclusion.leaf);
    }
  }
  receipts.forEach(({ entry, exactIndex, hashes }, at) => {
    const checkpoint = evidence.checkpoints.length + at;
    const head = speakers[checkpoint]?.head;
    if (entry === null || head === undefined || exactIndex >= head.exactSize) return;
    const own = leafHash(entry);
    if (verifyInclusion(own, exactIndex, head.exactSize, hashes, head.root)) leaf(checkpoint, exactIndex, own);
  });
  return faultOf(statements, speakers);
}

function policyOf(manifest: Bytes): TrustPolicy {
  try {
    return readManifest(manifest).policy;
  } catch (error) {
    if (error instanceof Untrustworthy) throw new Malformed(error.message);
    throw error;
  }
}

interface Speaker {
  readonly head: Checkpoint;
  readonly witnesses: ReadonlySet<string>;
}

function faultOf(statements: readonly Statement[], speakers: readonly (Speaker | null)[]): Fault {
  let board = false;
  const witnesses = new Set<string>();
  statements.forEach((one, at) => {
    for (const other of statements.slice(at + 1)) {
      if (other.of !== one.of || other.at !== one.at) continue;
      if (other.checkpoint === one.checkpoint || equal(other.hash, one.hash)) continue;
      board = true;
      const seconds = speakers[other.checkpoint]?.witnesses;
      for (const name of speakers[one.checkpoint]?.witnesses ?? []) if (seconds?.has(name)) witnesses.add(name);
    }
  });
  return { board, witnesses: [...witnesses].sort() };
}

/** Whose right signatures are on a checkpoint; null if the board's is not. Wrong lines of witnesses are passed over. */
function speakersOf(raw: Bytes, policy: TrustPolicy): Speaker | null {
  const head = readOr(
    () => openCheckpoint(raw, policy.board),
    () => null,
  );
  if (head === null) return null;
  const own = policy.witnesses.filter((key) => cosigned(raw, policy, key));
  return { head, witnesses: new Set(own.map(({ name }) => name)) };
}

function cosigned(raw: Bytes, policy: TrustPolicy, key: TrustPolicy['witnesses'][number]): boolean {
  return readOr(
    () => openCheckpoint(raw, policy.board, [key]).cosignatures.length === 1,
    () => false,
  );
}

function parsed(receipt: Bytes): Pick<Receipt, 'exactIndex' | 'hashes' | 'checkpoint'> {
  // Nobody has signed an empty checkpoint: such a receipt says nothing.
  const silent = { exactIndex: 0n, hashes: [], checkpoint: new Uint8Array() };
  return readOr(
    () => parseReceipt(receipt),
    () => silent,
  );
}

/** A checkpoint that somebody kept, with the receipt that it came in, if it did. */
export interface Held extends TreeHead {
  readonly checkpoint: Bytes;
  readonly receipt?: { readonly raw: Bytes; readonly entry: Bytes | null; readonly index: number };
}

/**
 * What shows that the board of `view` is not the one that `held` was signed for; null if they fit, or if nothing shows it.
 * `board` is that of `view`; null where its tiles cannot be read.
 */
export async function contradiction(view: BoardView, board: ProvedBoard | null, held: Held): Promise<Evidence | null> {
  const { receipt } = held;
  const own = receipt === undefined ? [view.checkpoint, held.checkpoint] : [view.checkpoint];
  const base: Evidence = {
    election: view.electionId,
    manifest: view.manifestEntry,
    checkpoints: own,
    receipts: receipt === undefined ? [] : [{ entry: receipt.entry, receipt: receipt.raw }],
    prefixes: [],
    inclusions: [],
  };
  if (held.size === view.head.size) return equal(held.root, view.head.root) ? null : proving(base);
  if (board === null) return null;
  if (held.size < view.head.size) {
    const root = await board.prefixRoot(held.size);
    if (equal(root, held.root)) return null;
    const proof = await board.consistencyProof(held.size);
    return proving({ ...base, prefixes: [{ checkpoint: 0, size: held.size, root, proof }] });
  }
  if (receipt === undefined || receipt.entry === null || receipt.index >= view.head.size) return null;
  const leaf = await board.leaf(receipt.index);
  if (equal(leaf, leafHash(receipt.entry))) return null;
  const proof = await board.inclusionProof(receipt.index);
  return proving({ ...base, inclusions: [{ checkpoint: 0, index: receipt.index, leaf, proof }] });
}

const proving = (evidence: Evidence): Evidence | null => (judgeEvidence(evidence).board ? evidence : null);

type Members = { readonly [name: string]: unknown };

function object(value: unknown): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed('not an object');
  return value as Members;
}

function list(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Malformed(`not a list of at most ${most}`);
  return value;
}

function bytes(value: unknown, length?: number): Bytes {
  if (typeof value !== 'string') throw new Malformed('not a binary member');
  const raw = fromBase64url(value);
  if (length !== undefined && raw.length !== length) throw new Malformed(`${raw.length} bytes instead of ${length}`);
  return raw;
}

function whole(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Malformed('not an integer');
  return value as number;
}

const proofOf = (value: unknown): Bytes[] => list(value, LONGEST_PROOF).map((hash) => bytes(hash, 32));
