// V21: is the web bundle that an origin serves the one whose digest stands in the manifest? (docs/spec, page 10; 8.2)
// The listing `bundle.sha256` has to hash to the manifest's digest, and every file to its line in the listing. Shares
// nothing with the verifier, so that a page on a second origin can use it alone.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

export interface BundleFile {
  /** Lower-case hex. */
  readonly digest: string;
  readonly path: string;
}

export interface BundleFinding {
  readonly state: 'pass' | 'fail' | 'incomplete' | 'not applicable';
  readonly notes: readonly string[];
}

/** Reads one file whole; null if the origin says that it has none. Throws if the origin does not answer or it is longer. */
export type ReadFile = (address: string, limit: number) => Promise<Uint8Array | null>;

export const LISTING = 'bundle.sha256';
const LISTING_LIMIT = 1 << 20;
const FILE_LIMIT = 1 << 26;
const MOST_FILES = 4096;

/**
 * Compares what every origin serves with the manifest's digest.
 *
 * `digest` is the manifest's `client.bundle` in lower-case hex, or null; `origins` its `client.origins`.
 */
export async function checkWebBundle(
  origins: readonly string[],
  digest: string | null,
  read: ReadFile = readHttp,
  onProgress: (done: number, of: number) => void = () => undefined,
): Promise<BundleFinding> {
  if (digest === null) return { state: 'not applicable', notes: ['the manifest names no web bundle'] };
  if (origins.length === 0)
    return { state: 'not applicable', notes: ['the manifest names no origin of the web bundle'] };
  const failures: string[] = [];
  const missing: string[] = [];
  for (const origin of origins) {
    try {
      failures.push(...(await checkOrigin(origin, digest, read, onProgress)));
    } catch (error) {
      missing.push(`${origin} could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const state = failures.length ? 'fail' : missing.length ? 'incomplete' : 'pass';
  return { state, notes: [...failures, ...missing] };
}

async function checkOrigin(
  origin: string,
  digest: string,
  read: ReadFile,
  onProgress: (done: number, of: number) => void,
): Promise<string[]> {
  const base = origin.endsWith('/') ? origin : `${origin}/`;
  const raw = await read(base + LISTING, LISTING_LIMIT);
  if (raw === null) return [`${base}${LISTING} is not there`];
  const found = bytesToHex(sha256(raw));
  if (found !== digest) return [`${base}${LISTING} has the digest ${found}, the manifest says ${digest}`];
  const files = parseListing(raw);
  if (typeof files === 'string') return [`${base}${LISTING}: ${files}`];
  const failures: string[] = [];
  for (const [done, file] of files.entries()) {
    onProgress(done, files.length);
    const content = await read(base + file.path.split('/').map(encodeURIComponent).join('/'), FILE_LIMIT);
    if (content === null) failures.push(`${base}${file.path} is not there`);
    else if (bytesToHex(sha256(content)) !== file.digest) {
      failures.push(`${base}${file.path} is not the file of the listing`);
    }
  }
  onProgress(files.length, files.length);
  return failures;
}

/** The files of a listing, or what is wrong with it: one `<64 hex>  <path>` a line, ascending, nothing else. */
export function parseListing(raw: Uint8Array): readonly BundleFile[] | string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return 'not UTF-8';
  }
  if (!text.endsWith('\n')) return 'its last line has no end';
  const files: BundleFile[] = [];
  for (const [number, line] of text.slice(0, -1).split('\n').entries()) {
    const match = /^([0-9a-f]{64}) {2}((?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*)$/u.exec(line);
    if (!match?.[1] || !match[2] || match[2] === LISTING) return `line ${number + 1} is not a digest and a path`;
    const last = files.at(-1);
    if (last && last.path >= match[2]) return `line ${number + 1} is out of order`;
    files.push({ digest: match[1], path: match[2] });
  }
  return files.length > MOST_FILES ? `more than ${MOST_FILES} files` : files;
}

/** Past every cache but the origin's own; nothing of the reader goes along. */
async function readHttp(address: string, limit: number): Promise<Uint8Array | null> {
  const answer = await fetch(address, { cache: 'no-store', credentials: 'omit', redirect: 'error', mode: 'cors' });
  if (answer.status === 404) return null;
  if (!answer.ok || !answer.body) throw new Error(`HTTP ${answer.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > limit) {
      await reader.cancel();
      throw new Error(`${address} is longer than ${limit} bytes`);
    }
    parts.push(part.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
