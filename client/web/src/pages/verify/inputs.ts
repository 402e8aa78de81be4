// What a reader gives the verifier: a board, and the election it is trusted to be (docs/spec 9.1). Files are read here,
// in the page, and go nowhere.

import { reasonOf } from '../../core/errors.ts';
import { equal, fromHex, toHex, type Bytes } from '../../core/bytes.ts';
import { CHECKPOINT_LIMIT, parseCheckpoint } from '../../board/checkpoint.ts';
import { electionId } from '../../board/manifest.ts';
import { parseNote } from '../../board/notes.ts';
import { policyFromManifest, type TrustPolicy } from '../../board/policy.ts';
import type { BoardSource } from '../../board/source.ts';
import { readEntries } from '../../results/checkedBoard.ts';
import { WIDTH } from '../../results/treeEdge.ts';

/** Smallest file that can be a receipt, checkpoint or policy is anything; the largest that is read. */
export const SMALL_FILE = 1_000_000;

/** The board cannot be verified as it is asked: there is no verdict. */
export class NotABoard extends Error {
  override name = 'NotABoard';
}

/** An election id as people paste it: spaces and upper case do not matter. */
export function cleanId(text: string): string {
  return text.replace(/\s+/gu, '').toLowerCase();
}

export function isElectionId(text: string): boolean {
  return /^[0-9a-f]{64}$/u.test(text);
}

/** The address of a board in full, or null if it is none. */
export function boardAddress(text: string, page: string): string | null {
  const trimmed = text.trim();
  if (!/^(https?:\/\/|\/|\.)/iu.test(trimmed)) return null;
  try {
    const url = new URL(trimmed, page);
    return /^https?:$/u.test(url.protocol) ? url.href.replace(/\/+$/u, '') : null;
  } catch {
    return null;
  }
}

/**
 * The policy that follows from an election id: entry 0 of the board hashes to it, and names every key.
 *
 * Where entry 0 is another election's, the policy has that entry's keys and the id asked for, so that V03 says what is
 * wrong. Throws NotABoard if there is no such entry or it is no manifest.
 */
export async function policyOf(source: BoardSource, id: string): Promise<TrustPolicy> {
  const entry = await firstEntry(source);
  const wanted = fromHex(id);
  try {
    const policy = policyFromManifest(entry);
    return equal(policy.election, wanted) ? policy : { ...policy, election: wanted };
  } catch (error) {
    const reason = reasonOf(error);
    throw new NotABoard(`entry 0 of ${source.location} (${toHex(electionId(entry))}) is no manifest: ${reason}`);
  }
}

/** Nothing is trusted here: the size only says how wide the first bundle is. */
async function firstEntry(source: BoardSource): Promise<Bytes> {
  const raw = await source.read('checkpoint', CHECKPOINT_LIMIT);
  if (!raw) throw new NotABoard(`${source.location} has no checkpoint: this is no board, or nothing was published yet`);
  try {
    const { size } = parseCheckpoint(parseNote(raw).text);
    const [entry] = size > 0 ? await readEntries(source, 0, Math.min(size, WIDTH)) : [];
    if (entry) return entry;
  } catch (error) {
    throw new NotABoard(`${source.location}: ${reasonOf(error)}`);
  }
  throw new NotABoard(`${source.location} has no entries`);
}
