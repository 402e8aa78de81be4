// V21: whether every origin serves exactly the web bundle whose digest stands in the manifest (docs/spec page 10).
// Shares nothing with the verifier, so that a page on a second origin can use it alone. Words are `retally verify`'s.

import { reasonOf } from './core/errors.ts';
import { readAtMost } from './core/readAtMost.ts';
import { sha256, toHex } from './core/bytes.ts';

export interface BundleFinding {
  readonly state: 'pass' | 'fail' | 'incomplete' | 'not applicable';
  readonly notes: readonly string[];
}

/** An origin serves something else than the bundle; the message says what. */
export class WrongBundle extends Error {
  override name = 'WrongBundle';
}

/** A file whole, or null where the origin says that it has none. Throws WrongBundle if it is too long or leads elsewhere. */
export type ReadFile = (address: string, limit: number) => Promise<Uint8Array | null>;

export const LISTING = 'bundle.sha256';
const PAGE = 'index.html';
const LISTING_LIMIT = 65_536;
const FILE_LIMIT = 16_777_216;
const MOST_FILES = 256;
const LINE = /^([0-9a-f]{64}) {2}([A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)$/u;

/** All files of one origin may take so long together, and one file so long at the slowest rate that is waited for. */
const ORIGIN_SECONDS = 600;
const PATIENCE_SECONDS = 60;
const SLOWEST = 65_536;

/** `origins` and `digest` (lower-case hex) are those of the manifest's `client`. */
export async function checkWebBundle(
  origins: readonly string[],
  digest: string | null,
  read: ReadFile = readHttp,
  onProgress: (done: number, of: number) => void = () => undefined,
): Promise<BundleFinding> {
  if (digest === null) return { state: 'not applicable', notes: ['the manifest names no web bundle'] };
  const ignored = origins.filter((one) => !isOrigin(one)).map((one) => `'${one}' in the manifest is no origin`);
  const asked = [...new Set(origins.filter(isOrigin))];
  if (asked.length === 0) {
    return { state: 'not applicable', notes: ['no origin of the web bundle is named', ...ignored] };
  }
  const failures: string[] = [];
  const missing: string[] = [];
  for (const origin of asked) {
    try {
      await checkOrigin(origin, digest, read, onProgress);
    } catch (error) {
      const list = error instanceof WrongBundle ? failures : missing;
      list.push(reasonOf(error));
    }
  }
  const state = failures.length > 0 ? 'fail' : missing.length > 0 ? 'incomplete' : 'pass';
  const served = state === 'pass' ? [`bundle ${digest} is served by ${asked.join(', ')}`] : [];
  return { state, notes: [...failures, ...missing, ...served, ...ignored] };
}

async function checkOrigin(
  origin: string,
  digest: string,
  read: ReadFile,
  onProgress: (done: number, of: number) => void,
): Promise<void> {
  const until = performance.now() + 1000 * ORIGIN_SECONDS;
  const listing = await served(`${origin}/${LISTING}`, LISTING_LIMIT, read);
  const found = hexDigest(listing);
  if (found !== digest) {
    throw new WrongBundle(`${origin}/${LISTING} has the digest ${found}, the manifest says ${digest}`);
  }
  const files = parseListing(listing);
  if (typeof files === 'string') throw new WrongBundle(`${origin}: ${files}`);
  // The address that voters open is read as well.
  const asked: [string, string | undefined][] = [...files, ['', files.get(PAGE)]];
  const wrong: string[] = [];
  for (const [done, [path, expected]] of asked.entries()) {
    onProgress(done, asked.length);
    try {
      if (performance.now() > until) {
        throw new Error(`${origin} takes more than ${ORIGIN_SECONDS} seconds for the bundle`);
      }
      if (hexDigest(await served(`${origin}/${path}`, FILE_LIMIT, read)) !== expected) {
        wrong.push(`${origin}/${path} is not the file ${path || PAGE} of the bundle`);
      }
    } catch (error) {
      if (error instanceof WrongBundle) wrong.push(error.message);
      else if (wrong.length > 0) break;
      else throw error;
    }
  }
  if (wrong.length > 0) throw new WrongBundle(wrong.join('; '));
}

async function served(address: string, limit: number, read: ReadFile): Promise<Uint8Array> {
  const content = await read(address, limit);
  if (content === null) throw new WrongBundle(`${address} is not there`);
  return content;
}

const hexDigest = (content: Uint8Array): string => toHex(sha256(content));

/** Digests in lower-case hex by path, in order (10.1); or what is wrong with the listing. */
export function parseListing(raw: Uint8Array): ReadonlyMap<string, string> | string {
  if (raw.length > LISTING_LIMIT) return `${LISTING} is longer than ${LISTING_LIMIT} bytes`;
  // One character a byte: whatever is not ASCII matches no line.
  const lines = Array.from(raw, (byte) => String.fromCharCode(byte))
    .join('')
    .split('\n');
  if (lines.pop() !== '' || lines.length === 0) return `${LISTING} does not end after a line`;
  const files = new Map<string, string>();
  let last = '';
  for (const [number, line] of lines.entries()) {
    const [, digest, path] = LINE.exec(line) ?? [];
    if (digest === undefined || path === undefined || path === LISTING) {
      return `line ${number + 1} of ${LISTING} is no digest and path`;
    }
    if (path <= last) return `line ${number + 1} of ${LISTING} is out of order`;
    files.set(path, digest);
    last = path;
  }
  if (files.size > MOST_FILES) return `${LISTING} names more than ${MOST_FILES} files`;
  return files.has(PAGE) ? files : `${LISTING} does not name ${PAGE}`;
}

/** The text that a browser sends in `Origin`, of a page that may be served (10.2). */
export function isOrigin(text: string): boolean {
  const host = String.raw`(?:[a-z0-9.-]{1,253}|\[[0-9a-f:]{2,251}\])`;
  const own = String.raw`(?:localhost|127\.0\.0\.1|\[::1\])`;
  const found = new RegExp(String.raw`^(?:https://${host}|http://${own})(?::([1-9][0-9]{0,4}))?$`, 'u').exec(text);
  if (found === null) return false;
  const port = found[1];
  return port === undefined || (Number(port) <= 65_535 && port !== (text.startsWith('https:') ? '443' : '80'));
}

/** Past every cache; nothing of the reader goes along, and no redirect is followed. */
async function readHttp(address: string, limit: number): Promise<Uint8Array | null> {
  const seconds = PATIENCE_SECONDS + limit / SLOWEST;
  try {
    const answer = await fetch(address, {
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'manual',
      mode: 'cors',
      signal: AbortSignal.timeout(1000 * seconds),
    });
    if (answer.status === 404) return null;
    if (
      answer.type === 'opaqueredirect' ||
      (answer.status >= 300 && answer.status < 400) ||
      answer.headers.has('refresh')
    ) {
      throw new WrongBundle(`${address} leads elsewhere`);
    }
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    const body = await readAtMost(answer, limit);
    if (body === null) throw new WrongBundle(`${address} is longer than the ${limit} bytes it may have`);
    return body;
  } catch (error) {
    if (error instanceof WrongBundle) throw error;
    throw new Error(`${address} does not answer: ${reasonOf(error)}`);
  }
}
