// A ballot server in memory with the board of docs/spec/vectors up to its opening: it takes ballots, signs checkpoints with
// the vectors' keys (seed = SHA-256 of the key's name) and can be told to misbehave.
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { parseBallot } from '../../src/board/entries.ts';
import type { BoardSource } from '../../src/board/source.ts';
import { be, concat, equal, sha256, toBase64, toBase64url, toHex, utf8, type Bytes } from '../../src/core/bytes.ts';
import { trackingCode } from '../../src/core/codes.ts';
import type { Means } from '../../src/voter/server.ts';
import { boardFiles, boardVector, leaf, root } from '../results/boardFiles.ts';

const ORIGIN = 'board.example/2027';
const OPENING = 14;

const vector = boardVector();

export const electionHex = createHash('sha256')
  .update(vector.entries[0] as string)
  .digest('hex');

/** The codes of a voter of the vectors, one per registrar. */
export function codesOf(name: string): Bytes[] {
  return [1, 2].map((registrar) =>
    shake256(utf8(`retally vectors: ${LABEL} code ${name} ${registrar}`), { dkLen: 15 }),
  );
}

const LABEL = 'board';

/** A signed checkpoint of these entries, with the cosignatures of the witnesses named. */
export function signedCheckpoint(entries: readonly Bytes[], witnesses: readonly number[] = [1, 2, 3]): Bytes {
  const text = `${ORIGIN}\n${entries.length}\n${toBase64(root(entries.map(leaf)))}\n`;
  const lines = [signatureLine(ORIGIN, 1, (seed) => ed25519.sign(utf8(text), seed))];
  for (const number of witnesses) {
    const time = 1_800_000_000 + entries.length;
    const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
    lines.push(signatureLine(`witness-${number}`, 4, (seed) => concat(be(time, 8), ed25519.sign(message, seed))));
  }
  return utf8(`${text}\n${lines.join('')}`);
}

function signatureLine(name: string, type: number, sign: (seed: Bytes) => Bytes): string {
  const seed = sha256(utf8(name));
  const id = sha256(utf8(`${name}\n`), Uint8Array.of(type), ed25519.getPublicKey(seed)).subarray(0, 4);
  return `— ${name} ${toBase64(concat(id, sign(seed)))}\n`;
}

/** MTH paths by the definition of RFC 6962, section 2.1.1. */
export function inclusionPath(index: number, leaves: readonly Bytes[]): Bytes[] {
  if (leaves.length <= 1) return [];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return index < half
    ? [...inclusionPath(index, leaves.slice(0, half)), root(leaves.slice(half))]
    : [...inclusionPath(index - half, leaves.slice(half)), root(leaves.slice(0, half))];
}

export function receiptOf(entries: readonly Bytes[], index: number, witnesses?: readonly number[]): Bytes {
  const path = inclusionPath(index, entries.map(leaf)).map(toBase64);
  const head = utf8(['c2sp.org/tlog-proof@v1', `index ${index}`, ...path, '', ''].join('\n'));
  return concat(head, signedCheckpoint(entries, witnesses));
}

/** What the next answers are, in order; then it behaves. `lost`: taken, but the answer does not arrive. */
export type Mischief =
  | 'lost'
  | 'down'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Bytes };

export class FakeServer implements BoardSource {
  readonly location = 'https://ballots.example/elections/2027';
  entries: Bytes[];
  witnesses: readonly number[] = [1, 2, 3];
  mischief: Mischief[] = [];
  /** Every entry that was posted, in order. */
  readonly posted: Bytes[] = [];
  /** Milliseconds that the client waited. */
  readonly pauses: number[] = [];
  /** Ballots of these credentials (hex) are not told of. */
  readonly hidden = new Set<string>();
  lookups = 0;

  constructor(entries?: readonly Bytes[]) {
    this.entries = [...(entries ?? vector.entries.slice(0, OPENING + 1).map(utf8))];
  }

  async read(path: string, limit: number): Promise<Bytes | null> {
    const { files, checkpoint } = this.#published();
    const file = path === 'checkpoint' ? checkpoint : files.get(path);
    if (file !== undefined && file.length > limit) throw new Error('too long');
    return file === undefined ? null : new Uint8Array(file);
  }

  #made: { readonly of: string; readonly files: Map<string, Uint8Array>; readonly checkpoint: Bytes } | null = null;

  #published(): { readonly files: Map<string, Uint8Array>; readonly checkpoint: Bytes } {
    const of = toHex(sha256(...this.entries)) + this.witnesses.join();
    if (this.#made?.of !== of) {
      this.#made = {
        of,
        files: boardFiles(this.entries),
        checkpoint: signedCheckpoint(this.entries, this.witnesses),
      };
    }
    return this.#made;
  }

  /** Appends an entry without asking. */
  append(...entries: Bytes[]): void {
    this.entries.push(...entries);
  }

  readonly means: Means = {
    fetch: async (input, init) => this.#answer(String(input), init),
    sleep: async (milliseconds) => {
      this.pauses.push(milliseconds);
    },
  };

  #answer(address: string, init?: RequestInit): Response {
    if (init?.method === 'POST') return this.#post(init.body as Uint8Array);
    this.lookups += 1;
    const [, kind, name] = /\/(credentials|tracking)\/(.+)$/u.exec(address) ?? [];
    const ballots = this.entries.flatMap((entry, index) =>
      index > OPENING && entry.at(-1) !== 10 ? [{ index, ...parseBallot(entry) }] : [],
    );
    const visible = ballots.filter(({ credential }) => !this.hidden.has(toHex(credential)));
    if (kind === 'credentials') {
      const own = visible.filter(({ credential }) => toBase64url(credential) === name);
      return Response.json({ ballots: own.map(({ index }) => ({ index })) });
    }
    const found = visible.find(({ bodyHash }) => trackingCode(bodyHash) === decodeURIComponent(name ?? ''));
    return found === undefined ? new Response(null, { status: 404 }) : Response.json({ index: found.index });
  }

  #post(body: Uint8Array): Response {
    const entry = new Uint8Array(body);
    this.posted.push(entry);
    const mischief = this.mischief.shift();
    if (mischief === 'down') throw new TypeError('fetch failed');
    if (mischief !== undefined && mischief !== 'lost') {
      const { status, headers = {}, body: text = '' } = mischief;
      return new Response(typeof text === 'string' ? text : new Uint8Array(text), { status, headers });
    }
    const answer = this.#take(entry);
    if (mischief === 'lost') throw new TypeError('connection lost');
    return answer;
  }

  #take(entry: Bytes): Response {
    const known = this.entries.findIndex((one) => equal(one, entry));
    if (known >= 0) return this.#receipt(known, 200);
    const ballot = parseBallot(entry);
    const chain = this.entries
      .filter((one, index) => index > OPENING && one.at(-1) !== 10)
      .map(parseBallot)
      .filter(({ credential }) => equal(credential, ballot.credential));
    const last = chain.at(-1)?.bodyHash ?? new Uint8Array(32);
    if (!equal(last, ballot.previous))
      return problem(409, 'refused', 'V12', 'previous is not the last accepted ballot');
    this.entries.push(entry);
    return this.#receipt(this.entries.length - 1, 201);
  }

  #receipt(index: number, status: number): Response {
    return new Response(new Uint8Array(receiptOf(this.entries, index, this.witnesses)), { status });
  }
}

export function problem(status: number, name: string, check: string | null, reason: string): Response {
  const body = JSON.stringify({
    type: `urn:retally:problem:${name}`,
    title: name,
    status,
    detail: null,
    check,
    reason,
  });
  return new Response(body, { status, headers: { 'Content-Type': 'application/problem+json' } });
}

export function problemMischief(
  status: number,
  name: string,
  check: string | null,
  headers: Record<string, string> = {},
): Mischief {
  const body = JSON.stringify({
    type: `urn:retally:problem:${name}`,
    title: name,
    status,
    detail: null,
    check,
    reason: name,
  });
  return { status, headers: { 'Content-Type': 'application/problem+json', ...headers }, body };
}

/** sessionStorage in memory. */
export class FakeStorage {
  readonly values = new Map<string, string>();
  getItem(name: string): string | null {
    return this.values.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.values.set(name, value);
  }
  removeItem(name: string): void {
    this.values.delete(name);
  }
}
