// Why a page of the booth cannot go on, and what an error of reading the board means for the voter.
import { Malformed } from '../../core/errors.ts';
import { Unreachable } from '../../board/source.ts';
import { NotThere, WrongFiles } from '../../voter/provedBoard.ts';
import { NotOpen, OtherElection, Untrustworthy } from '../../voter/reading.ts';

/** Names of texts below `vote`, and the reason in the words of whatever failed. */
export interface Obstacle {
  readonly name:
    'noBoard' | 'unreachable' | 'failed' | 'distrust' | 'notOpen' | 'notOnRoll' | 'inactive' | 'closed' | 'broken';
  readonly reason: string;
}

/** Null if only the error's own words can say. */
export function obstacleOf(error: unknown): Obstacle['name'] | null {
  if (error instanceof Unreachable) return 'unreachable';
  if (error instanceof NotOpen) return 'notOpen';
  if (error instanceof Untrustworthy || error instanceof WrongFiles || error instanceof Malformed) return 'distrust';
  if (error instanceof NotThere || error instanceof OtherElection || error instanceof TypeError) return 'failed';
  return null;
}
