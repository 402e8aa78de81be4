// The ballot server as a voter's page uses it: cast a ballot, ask where ballots are. Nothing it says is believed before it
// is proved from the board; what it refuses comes as an RFC 9457 problem.
import { reasonOf } from '../core/errors.ts';
import { readAtMost } from '../core/readAtMost.ts';
import { toBase64url, type Bytes } from '../core/bytes.ts';
import { isCheck, type Check } from '../verifier/checks.ts';

const RECEIPT_LIMIT = 256 * 1024;
const LOOKUP_LIMIT = 256 * 1024;
const ATTEMPTS = 6;
const LONGEST_PAUSE = 20_000;
const PATIENCE = 30_000;

/** A problem the server named: the ballot was not taken, and sending the same bytes again changes nothing. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    /** The last part of its URN: refused, outside-hours, … */
    readonly problem: string,
    /** The check of docs/spec page 8 that refused the entry, or null. */
    readonly check: Check | null,
    reason: string,
    /** Seconds after which it may be tried again, where the server says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(reason);
  }
}

/** Nobody knows whether the ballot arrived: the same bytes have to be sent again. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Why the next attempt is made later. */
export interface Trouble {
  readonly kind: 'busy' | 'no answer';
  readonly attempt: number;
  readonly pause: number;
}

export interface Means {
  readonly fetch: typeof fetch;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly onTrouble?: (trouble: Trouble) => void;
  readonly signal?: AbortSignal;
}

export const ownMeans: Means = {
  fetch: (input, init) => fetch(input, init),
  sleep: (milliseconds) =>
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    }),
};

/** The address of a file or service of a board whose address may or may not end in a slash. */
export const under = (board: string, path: string): string => `${board.replace(/\/+$/, '')}/${path}`;

/**
 * Sends a ballot entry and returns the receipt, still to be checked. Where the server is busy or does not answer the very
 * same bytes are sent again: they stand on the board once or not at all. Throws Refused, NoAnswer.
 */
export async function sendBallot(board: string, entry: Bytes, means: Means = ownMeans): Promise<Bytes> {
  let backoff = 1000;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await attemptOnce(board, entry, means);
    if (answer.kind === 'receipt') return answer.receipt;
    if (answer.kind === 'refused') throw answer.refusal;
    if (attempt === ATTEMPTS || isGivenUp(means)) throw new NoAnswer(answer.reason);
    const pause = Math.min(LONGEST_PAUSE, answer.retryAfter === null ? backoff : 1000 * answer.retryAfter);
    means.onTrouble?.({ kind: answer.kind, attempt, pause });
    await means.sleep(pause);
    if (isGivenUp(means)) throw new NoAnswer(answer.reason);
    backoff *= 2;
  }
}

const isGivenUp = ({ signal }: Means): boolean => signal?.aborted === true;

type Attempt =
  | { readonly kind: 'receipt'; readonly receipt: Bytes }
  | { readonly kind: 'refused'; readonly refusal: Refused }
  | { readonly kind: 'busy' | 'no answer'; readonly reason: string; readonly retryAfter: number | null };

async function attemptOnce(board: string, entry: Bytes, means: Means): Promise<Attempt> {
  const abort = new AbortController();
  const clock = setTimeout(() => abort.abort(), PATIENCE);
  const give = (): void => abort.abort();
  means.signal?.addEventListener('abort', give);
  try {
    const response = await means.fetch(under(board, 'ballots'), {
      method: 'POST',
      // A copy with a buffer of its own: the entry may be part of a larger one.
      body: new Uint8Array(entry),
      headers: { 'Content-Type': 'application/octet-stream' },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: abort.signal,
    });
    return await judge(response);
  } catch (error) {
    return { kind: 'no answer', reason: reasonOf(error), retryAfter: null };
  } finally {
    clearTimeout(clock);
    means.signal?.removeEventListener('abort', give);
  }
}

async function judge(response: Response): Promise<Attempt> {
  const retryAfter = secondsOf(response.headers.get('Retry-After'));
  if (response.status === 200 || response.status === 201) {
    return { kind: 'receipt', receipt: await readBody(response, RECEIPT_LIMIT) };
  }
  const refusal = await problemOf(response, retryAfter);
  const reason = refusal?.message ?? `status ${response.status}`;
  if (response.status === 503 || (response.status === 429 && (retryAfter ?? Infinity) <= LONGEST_PAUSE / 1000)) {
    return { kind: 'busy', reason, retryAfter };
  }
  // What a server at fault or a machine in between says decides nothing about the ballot.
  if (refusal === null || response.status >= 500 || response.status === 408) {
    return { kind: 'no answer', reason, retryAfter };
  }
  return { kind: 'refused', refusal };
}

const URN = 'urn:retally:problem:';

async function problemOf(response: Response, retryAfter: number | null): Promise<Refused | null> {
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json') !== true) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await readBody(response, LOOKUP_LIMIT)));
    const { type, check, reason } = value as { type?: unknown; check?: unknown; reason?: unknown };
    if (typeof type !== 'string' || !type.startsWith(URN)) return null;
    return new Refused(type.slice(URN.length), isCheck(check) ? check : null, String(reason).slice(0, 500), retryAfter);
  } catch {
    return null;
  }
}

function secondsOf(header: string | null): number | null {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) : null;
}

/** Throws Error when more than `limit` bytes come. */
async function readBody(response: Response, limit: number): Promise<Bytes> {
  const body = await readAtMost(response, limit);
  if (body === null) throw new Error(`the answer is longer than ${limit} bytes`);
  return body;
}

/** Where the server says that ballots of this credential are, ascending; null if it does not say. */
export async function askWhere(board: string, credential: Bytes, means: Means = ownMeans): Promise<number[] | null> {
  const answer = await ask(under(board, `credentials/${toBase64url(credential)}`), means);
  const ballots = (answer as { ballots?: unknown } | null)?.ballots;
  if (!Array.isArray(ballots)) return null;
  const indices = ballots.map((ballot: unknown) => (ballot as { index?: unknown } | null)?.index);
  if (!indices.every((index): index is number => Number.isSafeInteger(index) && (index as number) >= 0)) return null;
  return [...new Set(indices)].sort((a, b) => a - b);
}

/** Where the server says the ballot with this tracking code is; null if it does not say. */
export async function askCode(board: string, code: string, means: Means = ownMeans): Promise<number | null> {
  const answer = await ask(under(board, `tracking/${encodeURIComponent(code)}`), means);
  const index = (answer as { index?: unknown } | null)?.index;
  return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : null;
}

async function ask(address: string, means: Means): Promise<unknown> {
  try {
    const response = await means.fetch(address, {
      signal: AbortSignal.timeout(PATIENCE),
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    if (response.status !== 200) return null;
    return JSON.parse(new TextDecoder().decode(await readBody(response, LOOKUP_LIMIT)));
  } catch {
    return null;
  }
}
