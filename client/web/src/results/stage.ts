// Where an election stands, by the board and the clock: pure (docs/spec 4.6).

export type Stage = 'setup' | 'late' | 'waiting' | 'open' | 'closed' | 'decrypting' | 'result';

export type Phase = 'setup' | 'voting' | 'tally';

/** The stage shown at `now` (POSIX seconds). The board's phase outranks the clock: a closed board takes no ballot. */
export function stageOf(
  phase: Phase,
  hasResult: boolean,
  hours: { readonly opens: number; readonly closes: number },
  now: number,
): Stage {
  if (phase === 'tally') return hasResult ? 'result' : 'decrypting';
  if (phase === 'setup') return now < hours.opens ? 'setup' : 'late';
  if (now < hours.opens) return 'waiting';
  return now < hours.closes ? 'open' : 'closed';
}

/** Which phase an entry proves that the board has reached; null for kinds that stand in several. */
export function phaseAfter(kind: string): Phase | null {
  switch (kind) {
    case 'closing':
    case 'paper-count':
    case 'partial-decryption':
    case 'result':
      return 'tally';
    case 'opening':
    case 'ballot':
      return 'voting';
    case 'roll-revocation':
    case 'roll-replacement':
      return null;
    default:
      return 'setup';
  }
}
