// V02, second half: what else the board's key has signed, in kept checkpoints and voters' receipts, is held against this
// board (docs/spec 8.2, 9.2, 9.3). Claims are read before the entries, so that one pass meets all they speak of.
import { equal, toHex, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { openCheckpoint } from '../board/checkpoint.ts';
import { verifyInclusion } from '../board/merkle.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { parseReceipt, type Receipt } from '../board/receipt.ts';
import type { Tree } from './v02Entries.ts';

interface Claim {
  readonly name: string;
  readonly size: number;
  readonly root: Bytes;
  readonly receipt: Receipt | null;
}

export interface Claims {
  readonly claims: readonly Claim[];
  /** Names of what says nothing about the board, and why. */
  readonly ignored: readonly string[];
}

/** What the board's key did not sign in this form proves nothing: it is ignored, by name. */
export function readClaims(policy: TrustPolicy, kept: readonly Bytes[], receipts: readonly Bytes[]): Claims {
  const claims: Claim[] = [];
  const ignored: string[] = [];
  const read = (name: string, parse: () => { checkpoint: Bytes; receipt: Receipt | null }): void => {
    try {
      const { checkpoint, receipt } = parse();
      // Without witnesses: cosignatures on a claim are not looked at.
      const { size, root } = openCheckpoint(checkpoint, policy.board, []);
      claims.push({ name, size, root, receipt });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      ignored.push(`${name} ignored: ${error.message}`);
    }
  };
  kept.forEach((raw, at) => read(`kept checkpoint ${at + 1}`, () => ({ checkpoint: raw, receipt: null })));
  receipts.forEach((raw, at) =>
    read(`receipt ${at + 1}`, () => {
      const receipt = parseReceipt(raw);
      return { checkpoint: receipt.checkpoint, receipt };
    }),
  );
  return { claims, ignored };
}

/** After all entries were met: what contradicts the board, and what was ignored. */
export function holdAgainst({ claims, ignored }: Claims, tree: Tree): { failures: string[]; ignored: string[] } {
  const failures: string[] = [];
  const unfit: string[] = [];
  for (const { name, size, root, receipt } of claims) {
    const own = tree.roots.get(size);
    if (size > tree.size) {
      failures.push(`${name}: the board signed ${size} entries, here are only ${tree.size}`);
    } else if (size > 0 && (own === undefined || !equal(own, root))) {
      const here = own === undefined ? 'unknown' : toHex(own);
      failures.push(`${name}: at ${size} entries the board signed root ${toHex(root)}, here it is ${here}`);
    } else if (receipt !== null && !proves(receipt, size, root, tree)) {
      // The board has the tree that the receipt names: the fault is the receipt's own.
      unfit.push(`${name} ignored: it proves no entry of the tree that it names`);
    }
  }
  return { failures, ignored: [...ignored, ...unfit] };
}

function proves({ index, hashes }: Receipt, size: number, root: Bytes, tree: Tree): boolean {
  const leaf = tree.leaves.get(index);
  return leaf !== undefined && index < size && verifyInclusion(leaf, index, size, hashes, root);
}
