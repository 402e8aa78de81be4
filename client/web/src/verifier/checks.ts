// The checks of a verification: their numbers, their English titles, and how failures and gaps make a state
// (docs/spec page 8). The titles are those of `retally verify`; a page translates them by check number.

export const CHECKS = [
  'V01',
  'V02',
  'V03',
  'V04',
  'V05',
  'V06',
  'V07',
  'V08',
  'V09',
  'V10',
  'V11',
  'V12',
  'V13',
  'V14',
  'V15',
  'V16',
  'V17',
  'V18',
  'V19',
  'V20',
  'V21',
] as const;

export type Check = (typeof CHECKS)[number];
export type State = 'pass' | 'fail' | 'incomplete' | 'not applicable';

export const TITLES: Readonly<Record<Check, string>> = {
  V01: 'checkpoint signed by the board and a quorum of witnesses',
  V02: 'every entry hashes to the root, every kept checkpoint is consistent',
  V03: "manifest well formed and the policy's",
  V04: 'every entry written by its key, in its phase and time',
  V05: "guardians' commitments and proofs",
  V06: 'complaints resolved, all confirmations agree',
  V07: "joint key and the shares' public keys",
  V08: 'roll: commitments kept, parts sum, changes within their rule',
  V09: 'every entry canonical and well encoded',
  V10: "every ballot's proof",
  V11: 'credential on the roll, right style',
  V12: 'chains of ballots',
  V13: 'no ciphertext used twice',
  V14: 'one closing, the counted ballots determined',
  V15: 'reconciliation',
  V16: 'aggregates',
  V17: 'partial decryptions',
  V18: 'combination and counts',
  V19: 'published result equals the recomputed one',
  V20: 'reporting units by their rule, nothing decrypted twice',
  V21: "web bundle is the manifest's",
};

/** The state of one check, with what an auditor needs to look further. */
export interface Conclusion {
  readonly state: State;
  readonly notes: readonly string[];
}

/** What a check found in one entry. All decisions are taken on these three; the reason is for people. */
export interface Finding {
  readonly index: number;
  readonly check: Check;
  readonly reason: string;
}

/** Thrown by the test that an entry does not pass; never leaves the fold. */
export class Broken extends Error {
  constructor(
    readonly check: Check,
    reason: string,
  ) {
    super(reason);
  }
}

/** Refuses the entry at hand under `check` unless the condition holds. */
export function demand(check: Check, condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Broken(check, reason);
}

/** Fail outranks incomplete outranks pass; remarks are noted whatever the state. */
export function conclude(
  failures: readonly string[],
  missing: readonly string[] = [],
  remarks: readonly string[] = [],
): Conclusion {
  const state = failures.length > 0 ? 'fail' : missing.length > 0 ? 'incomplete' : 'pass';
  return { state, notes: [...failures, ...missing, ...remarks] };
}

/** A finding as a line of a report. */
export function noteOf({ index, check, reason }: Finding): string {
  return `entry ${index}: ${check} ${reason}`;
}

/** The notes that name every entry refused under `check`, in board order. */
export function named(refusals: readonly Finding[], check: Check): string[] {
  return refusals.filter((refusal) => refusal.check === check).map(noteOf);
}

export type Verdict = 'PASS' | 'FAIL' | 'INCOMPLETE';
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { PASS: 0, FAIL: 1, INCOMPLETE: 2 };

/** Page 8: FAIL if any check fails, else INCOMPLETE if any is incomplete, else PASS. */
export function verdictOf(states: Iterable<State>): Verdict {
  const found = new Set(states);
  return found.has('fail') ? 'FAIL' : found.has('incomplete') ? 'INCOMPLETE' : 'PASS';
}

/** The verdict, and "no witness" where there is none to exclude split views. */
export function verdictLineOf(verdict: Verdict, witnesses: number): string {
  return witnesses > 0 ? verdict : `${verdict} · no witness`;
}

/** Whether a text from outside is the number of a check. */
export function isCheck(text: unknown): text is Check {
  return CHECKS.some((check) => check === text);
}
