// V04, second half: opening and closing took effect at the quorum's times, by checkpoint.opening and checkpoint.closing
// (docs/spec 3.1, 8.2). Only for boards with witnesses.
import { equal, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { CHECKPOINT_LIMIT, type OpenedCheckpoint } from '../board/checkpoint.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { TooLong, type BoardSource } from '../board/source.ts';
import { conclude, named, type Conclusion } from './checks.ts';
import type { ElectionState } from './state.ts';
import { openWithQuorum } from './v01Checkpoint.ts';
import type { Tree } from './v02Entries.ts';

const NAMES = ['opening', 'closing'] as const;

/** One of the two files: the checkpoint, or what is wrong with it, or neither where it is not there. */
export interface Effect {
  readonly name: (typeof NAMES)[number];
  readonly checkpoint: OpenedCheckpoint | null;
  readonly fault: string | null;
}

/** Throws Unreachable. */
export async function readEffects(source: BoardSource, policy: TrustPolicy): Promise<Effect[]> {
  if (policy.witnesses.length === 0) return [];
  const effects: Effect[] = [];
  for (const name of NAMES) {
    try {
      const raw: Bytes | null = await source.read(`checkpoint.${name}`, CHECKPOINT_LIMIT);
      effects.push({ name, checkpoint: raw === null ? null : openWithQuorum(raw, policy), fault: null });
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof TooLong)) throw error;
      effects.push({ name, checkpoint: null, fault: `checkpoint.${name}: ${error.message}` });
    }
  }
  return effects;
}

export function v04Conclusion(
  state: ElectionState,
  effects: readonly Effect[],
  policy: TrustPolicy,
  tree: Tree,
): Conclusion {
  const failures = named(state.refusals, 'V04');
  const missing: string[] = [];
  const remarks: string[] = [];
  if (state.opening === null) missing.push('opening is not on the board yet');
  if (state.closing === null) missing.push('closing is not on the board yet');
  if (policy.witnesses.length === 0) remarks.push('no witness: the times of opening and closing are not applicable');
  for (const { name, checkpoint, fault } of effects) {
    const index = state[name]?.index ?? null;
    if (fault !== null) {
      failures.push(fault);
    } else if (checkpoint === null) {
      if (index !== null) missing.push(`checkpoint.${name} is not there`);
    } else if (index !== null) {
      const due = name === 'opening' ? state.manifest.opens : state.manifest.closes;
      const wrong = wrongEffect(name, checkpoint, index, due, state.manifest.grace, policy.quorum, tree);
      if (wrong !== null) failures.push(wrong);
    }
  }
  return conclude(failures, missing, remarks);
}

function wrongEffect(
  name: string,
  { size, root, cosignatures }: OpenedCheckpoint,
  index: number,
  due: number,
  grace: number,
  quorum: number,
  tree: Tree,
): string | null {
  if (size <= index) return `checkpoint.${name} of size ${size} does not cover entry ${index}`;
  const own = tree.roots.get(size);
  if (own === undefined || !equal(own, root)) {
    return `checkpoint.${name} of size ${size} is not consistent with the board`;
  }
  const latest = BigInt(due) + BigInt(grace);
  const inTime = cosignatures.filter(({ time }) => due <= time && time <= latest).length;
  return inTime < quorum
    ? `checkpoint.${name}: ${inTime} cosignatures from ${due} to ${latest}, the quorum is ${quorum}`
    : null;
}
