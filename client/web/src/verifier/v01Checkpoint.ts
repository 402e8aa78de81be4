// V01: the newest checkpoint has the board's signature and cosignatures of a quorum of the policy's witnesses
// (docs/spec 3.1, 8.2).
import { Malformed } from '../core/errors.ts';
import type { Bytes } from '../core/bytes.ts';
import { CHECKPOINT_LIMIT, openCheckpoint, type OpenedCheckpoint } from '../board/checkpoint.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { TooLong, Unreachable, type BoardSource } from '../board/source.ts';
import { conclude, type Conclusion } from './checks.ts';

const NO_WITNESS = 'no witness: split views cannot be excluded';

export interface V01 {
  readonly conclusion: Conclusion;
  /** null where V01 fails: then there is nothing to hold the entries against. */
  readonly opened: OpenedCheckpoint | null;
  readonly raw: Bytes;
}

/** Throws Unreachable if the board does not answer or has no checkpoint. */
export async function v01Checkpoint(source: BoardSource, policy: TrustPolicy): Promise<V01> {
  try {
    const raw = await source.read('checkpoint', CHECKPOINT_LIMIT);
    if (raw === null) {
      throw new Unreachable(`${source.location} has no checkpoint: this is no board, or nothing was published yet`);
    }
    const opened = openWithQuorum(raw, policy);
    return { conclusion: conclude([], [], policy.witnesses.length > 0 ? [] : [NO_WITNESS]), opened, raw };
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof TooLong)) throw error;
    return { conclusion: conclude([error.message]), opened: null, raw: new Uint8Array() };
  }
}

/** A checkpoint that the board signed and the quorum cosigned. Throws Malformed. */
export function openWithQuorum(raw: Bytes, policy: TrustPolicy): OpenedCheckpoint {
  const opened = openCheckpoint(raw, policy.board, policy.witnesses);
  if (opened.cosignatures.length < policy.quorum) {
    throw new Malformed(`${opened.cosignatures.length} witnesses cosigned, the quorum is ${policy.quorum}`);
  }
  return opened;
}
