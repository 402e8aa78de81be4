// The browser's readers of bytes from outside, asked by Node over a pipe, for tests that compare them with the other two
// implementations (tests/fuzz). One JSON document a line: first what there is to know, then [reader, base64] again and
// again. The answer to each is {"value": …}, {"refused": why}, or {"fault": what} for an exception that no reader may throw.
import { createInterface } from 'node:readline';
import { openCheckpoint, parseCheckpoint } from '../src/board/checkpoint.ts';
import { parseEntry } from '../src/board/entries.ts';
import { manifestFaults, parseManifest } from '../src/board/manifest.ts';
import { formatKey, isValidPublicKey, parseKey, parseNote, type Note } from '../src/board/notes.ts';
import { parsePolicy } from '../src/board/policy.ts';
import { parseReceipt } from '../src/board/receipt.ts';
import { decodeBundle } from '../src/board/tiles.ts';
import { fromBase64, fromBase64url, fromHex, fromUtf8, toBase64, toHex, utf8, type Bytes } from '../src/core/bytes.ts';
import { parseCanonical, type Json } from '../src/core/canonical.ts';
import { CodeError, parseTrackingCode, parseVoterCode } from '../src/core/codes.ts';
import { Malformed } from '../src/core/errors.ts';
import { decodePoint, decodeScalar, type Point } from '../src/core/group.ts';
import {
  ballotShape,
  credentialPart,
  guardianCommitment,
  partialDecryption,
  type Relation,
} from '../src/core/relations.ts';
import { decodeRelation } from '../src/core/linearRelation.ts';
import { verify } from '../src/core/sigma.ts';
import { beginElection, type ElectionState } from '../src/verifier/state.ts';
import { v09BallotForm, wrongEncoding } from '../src/verifier/v09BallotForm.ts';
import { v09OfficialForm } from '../src/verifier/v09Form.ts';
import { parseEvidence } from '../src/voter/evidence.ts';
import { WrongOpening, openTest } from '../src/voter/sealedBallot.ts';
import { isOrigin, parseListing } from '../src/webBundle.ts';

const MOST_LINES = 64;

/** A statement of a proof: its name says which relation. */
interface Statement {
  readonly name: string;
  readonly tag: string;
  readonly elements: readonly string[];
}

interface Setup {
  readonly manifest: Json;
  /** Hex. */
  readonly election: string;
  readonly board: string;
  readonly witnesses: readonly string[];
  readonly statements: readonly Statement[];
  /** Hex: what tested ballots were encrypted to. */
  readonly jointKey: string;
}

type Reader = (raw: Bytes) => unknown;

function noteOf(raw: Bytes): Note {
  const note = parseNote(raw);
  if (note.lines.length > MOST_LINES) throw new Malformed('more signature lines than a checkpoint may have');
  return note;
}

function textOf(read: (text: string) => unknown): Reader {
  return (raw) => read(fromUtf8(raw));
}

function entryOf(state: ElectionState, raw: Bytes): unknown {
  const entry = parseEntry(raw);
  if (entry.entry === 'official') {
    v09OfficialForm(state, entry.content);
    return entry.content.kind;
  }
  const wrong = wrongEncoding(state, v09BallotForm(state, entry));
  if (wrong !== null) throw new Malformed(wrong);
  return [entry.style, toHex(entry.bodyHash)];
}

function relationOf({ name, elements }: Statement): Relation {
  const points = elements.map((element) => decodePoint(fromHex(element)));
  if (name.startsWith('GuardianCommitment')) return guardianCommitment(points);
  if (name === 'CredentialPart') return credentialPart(points[0] as Point);
  if (name.startsWith('PartialDecryption')) {
    const rest = points.slice(1);
    const at = (parity: number): Point[] => rest.filter((_, place) => place % 2 === parity);
    return partialDecryption(points[0] as Point, at(0), at(1));
  }
  const oneOption = { options: [null], limit: 'total', score: 1, min: 0, max: 1 } as const;
  return decodeRelation(ballotShape([oneOption]), fromHex(elements.join('')));
}

/** Indices of the records of 32 bytes that `read` refuses. */
function refusedRecords(raw: Bytes, read: (record: Bytes) => unknown): number[] {
  if (raw.length % 32 !== 0) throw new Malformed('no whole number of records');
  const refused: number[] = [];
  for (let at = 0; at < raw.length; at += 32) {
    try {
      read(raw.subarray(at, at + 32));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      refused.push(at / 32);
    }
  }
  return refused;
}

function bundleOf(raw: Bytes): string[] {
  if (raw.length === 0) throw new Malformed('no width');
  const entries = decodeBundle(raw.subarray(1), raw[0] as number);
  const length = entries.reduce((sum, entry) => sum + 2 + entry.length, 1);
  if (length !== raw.length) throw new Malformed('a bundle with something behind it');
  return entries.map(toHex);
}

function listingOf(raw: Bytes): object {
  const files = parseListing(raw);
  if (typeof files === 'string') throw new Malformed(files);
  return Object.fromEntries(files);
}

function readersOf(setup: Setup): Record<string, Reader> {
  const board = parseKey(setup.board);
  const witnesses = setup.witnesses.map(parseKey);
  const election = fromHex(setup.election);
  const manifest = parseManifest(setup.manifest);
  const state = beginElection(manifest, election, new Uint8Array(32));
  const statements = setup.statements.map((one) => ({ tag: one.tag, relation: relationOf(one) }));
  const opened = { id: election, jointKey: fromHex(setup.jointKey), manifest };
  return {
    canonical_json: parseCanonical,
    note: (raw) => {
      const { text, lines } = noteOf(raw);
      return [toBase64(text), lines.map(({ name, id, signature }) => [name, toHex(id), toBase64(signature)])];
    },
    verifier_key: textOf((text) => formatKey(parseKey(text))),
    checkpoint_text: (raw) => {
      const { origin, exactSize, root } = parseCheckpoint(raw);
      return [origin, String(exactSize), toHex(root)];
    },
    checkpoint: (raw) => {
      const { exactSize, root, cosignatures } = openCheckpoint(raw, board, witnesses);
      return [String(exactSize), toHex(root), cosignatures.map(({ time }) => String(time)).sort()];
    },
    receipt: (raw) => {
      const { exactIndex, hashes, checkpoint } = parseReceipt(raw);
      noteOf(checkpoint);
      return [String(exactIndex), hashes.map(toHex)];
    },
    entry_bundle: bundleOf,
    entry: (raw) => entryOf(state, raw),
    ballot: (raw) => entryOf(state, raw),
    manifest: (raw) => {
      const entry = parseEntry(raw);
      if (entry.entry !== 'official' || entry.content.kind !== 'manifest') throw new Malformed('no manifest');
      return manifestFaults(entry.content).length === 0;
    },
    narg: (raw) => {
      const { tag, relation } = statements[(raw[0] ?? 0) % statements.length] as (typeof statements)[number];
      return verify(tag, relation, raw.subarray(1));
    },
    points: (raw) => refusedRecords(raw, decodePoint),
    scalars: (raw) => refusedRecords(raw, decodeScalar),
    ed25519_key: isValidPublicKey,
    base64url: textOf((text) => toHex(fromBase64url(text))),
    base64: textOf((text) => toHex(fromBase64(text))),
    hex: textOf((text) => toHex(fromHex(text))),
    voter_code: textOf((text) => toHex(parseVoterCode(text))),
    tracking_code: textOf(parseTrackingCode),
    policy: (raw) => {
      const policy = parsePolicy(raw);
      return [toHex(policy.election), [policy.board, ...policy.witnesses].map(formatKey), policy.quorum];
    },
    evidence: (raw) => {
      const { election, checkpoints, receipts, prefixes, inclusions } = parseEvidence(raw);
      return [toHex(election), checkpoints.length, receipts.length, prefixes.length, inclusions.length];
    },
    listing: listingOf,
    origin: textOf(isOrigin),
    opening: textOf((text) => {
      const { style, credential, choices } = openTest(text, opened);
      return [style, toHex(credential), choices];
    }),
  };
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Malformed || error instanceof CodeError || error instanceof WrongOpening;
}

function answer(read: Reader | undefined, raw: Bytes): object {
  try {
    if (read === undefined) throw new RangeError('no such reader');
    return { value: read(raw) };
  } catch (error) {
    return isRefusal(error) ? { refused: error.message } : { fault: String(error) };
  }
}

let readers: Record<string, Reader> | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line) as Setup | [string, string];
  if (Array.isArray(asked)) {
    const [name, base64] = asked;
    process.stdout.write(utf8(`${JSON.stringify(answer(readers?.[name], Buffer.from(base64, 'base64')))}\n`));
  } else {
    readers = readersOf(asked);
  }
}
