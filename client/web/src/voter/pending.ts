// The ballot entry that is on its way, kept in this tab from just before it is first sent until its receipt is checked, so
// that leaving, reloading or a lost network neither loses nor doubles it: the same bytes are sent again. They are the bytes
// that go to the public board; no code, choice or seed is ever kept.
import { fromBase64url, toBase64url, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

/** sessionStorage, or what a test puts in its place. */
export interface Keeping {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

export interface Pending {
  /** The board's address, as sent to. */
  readonly board: string;
  /** Election id in hex. */
  readonly election: string;
  readonly entry: Bytes;
}

const nameOf = (election: string): string => `retally.pending.${election}`;

/** False where the browser keeps nothing: the voter is told not to leave the page. */
export function keepPending(storage: Keeping, pending: Pending): boolean {
  try {
    const value = { board: pending.board, entry: toBase64url(pending.entry) };
    storage.setItem(nameOf(pending.election), JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** What was kept for this election; null if nothing readable was. */
export function recallPending(storage: Keeping, election: string): Pending | null {
  try {
    const value: unknown = JSON.parse(storage.getItem(nameOf(election)) ?? 'null');
    if (typeof value !== 'object' || value === null || !('board' in value) || !('entry' in value)) return null;
    const { board, entry } = value;
    if (typeof board !== 'string' || typeof entry !== 'string') return null;
    return { board, election, entry: fromBase64url(entry) };
  } catch (error) {
    if (error instanceof Malformed || error instanceof SyntaxError || error instanceof DOMException) return null;
    throw error;
  }
}

export function forgetPending(storage: Keeping, election: string): void {
  try {
    storage.removeItem(nameOf(election));
  } catch {
    // Nothing was kept then.
  }
}
