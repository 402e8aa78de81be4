// What a verification ends with: a state and notes for every check, one verdict, and the counts beside it (docs/spec
// page 8). Plain data, so that a worker can hand it to a page. Words and numbers are those of `retally verify`.
import { toHex, type Bytes } from '../core/bytes.ts';
import { sumStations, type PaperCount, type Reconciliation, type UnitCounts } from '../board/counts.ts';
import type { EntryOf } from '../board/entries.ts';
import type { Manifest } from '../board/manifest.ts';
import type { TrustPolicy } from '../board/policy.ts';
import {
  CHECKS,
  EXIT_CODES,
  TITLES,
  verdictLineOf,
  verdictOf,
  type Check,
  type Conclusion,
  type Finding,
  type State,
  type Verdict,
} from './checks.ts';
import type { ElectionState } from './state.ts';
import { reconcile } from './v14V15Counting.ts';
import { combinationOf, unitsWithoutCounts } from './v16V17V18Decryption.ts';

/** Votes by polling station as the authority signed them: shown beside the counts, never verified. */
export interface PaperReport extends PaperCount {
  readonly stations: readonly { readonly id: string; readonly invalid: number; readonly votes: readonly number[] }[];
}

export interface Report {
  readonly verdict: Verdict;
  readonly exitCode: number;
  /** The verdict, and "no witness" where there is none to exclude split views. */
  readonly verdictLine: string;
  readonly states: Readonly<Record<Check, State>>;
  readonly notes: Readonly<Record<Check, readonly string[]>>;
  readonly titles: Readonly<Record<Check, string>>;
  readonly location: string;
  /** The policy's election id, in hex. */
  readonly electionId: string;
  readonly origin: string;
  readonly witnesses: number;
  readonly quorum: number;
  /** null where entry 0 is no manifest, or its entries are not the checkpoint's. */
  readonly manifest: Manifest | null;
  /** null where V01 fails. */
  readonly size: number | null;
  readonly root: string | null;
  /** The checkpoint as it was read: to be kept for the next run (9.3), if `accepted`. */
  readonly checkpoint: Bytes | null;
  /** Entries and manifest are those of checkpoint and policy. */
  readonly accepted: boolean;
  /** Every unit with its counts, as in 7.7; null before k valid partial decryptions, or where V01 to V03 fail. */
  readonly counts: readonly UnitCounts[] | null;
  /** Every unit, with its counts where there are any; null before the closing, or where V01 to V03 fail. */
  readonly units: readonly UnitCounts[] | null;
  readonly papers: readonly PaperReport[];
  readonly reconciliation: Reconciliation | null;
  /** Indices of the opening and the closing in force. */
  readonly opening: number | null;
  readonly closing: number | null;
  /** Entries refused: index, check and reason. */
  readonly refused: readonly Finding[];
  /** Ballots whose proofs were verified, and how long it all took, pauses included. */
  readonly ballots: number;
  readonly seconds: number;
}

export interface Findings {
  readonly location: string;
  readonly policy: TrustPolicy;
  readonly head: { readonly size: number; readonly root: Bytes; readonly raw: Bytes } | null;
  readonly manifest: Manifest | null;
  /** Only where V01 to V03 leave entries to be ruled on. */
  readonly state: ElectionState | null;
  /** Of V01 to V20, as far as something was looked at. */
  readonly conclusions: ReadonlyMap<Check, Conclusion>;
  /** Why all checks that have no conclusion are incomplete. */
  readonly why: string;
  readonly seconds: number;
}

/** V21 is added, and what was not looked at is incomplete: no check is ever left out. */
export function reportOf(findings: Findings): Report {
  const { policy, head, manifest, state } = findings;
  const all = CHECKS.map((check): [Check, Conclusion] => [
    check,
    check === 'V21'
      ? v21Conclusion(manifest)
      : (findings.conclusions.get(check) ?? { state: 'incomplete', notes: [findings.why] }),
  ]);
  const verdict = verdictOf(all.map(([, { state: found }]) => found));
  const counting = state?.closing?.counting ?? null;
  const counts = state === null ? null : (combinationOf(state)?.units ?? null);
  return {
    verdict,
    exitCode: EXIT_CODES[verdict],
    verdictLine: verdictLineOf(verdict, policy.witnesses.length),
    states: byCheck(all.map(([check, conclusion]) => [check, conclusion.state])),
    notes: byCheck(all.map(([check, conclusion]) => [check, conclusion.notes])),
    titles: TITLES,
    location: findings.location,
    electionId: toHex(policy.election),
    origin: policy.origin,
    witnesses: policy.witnesses.length,
    quorum: policy.quorum,
    manifest,
    size: head?.size ?? null,
    root: head === null ? null : toHex(head.root),
    checkpoint: head?.raw ?? null,
    accepted: state !== null,
    counts,
    units: counting === null ? null : (counts ?? unitsWithoutCounts(counting)),
    papers: state === null || counting === null ? [] : [...state.tally.papers.values()].map(paperReport),
    reconciliation: state === null || counting === null ? null : reconcile(state),
    opening: state?.opening?.index ?? null,
    closing: state?.closing?.index ?? null,
    refused: [...(state?.refusals ?? [])],
    ballots: state?.ballots.proved ?? 0,
    seconds: findings.seconds,
  };
}

function byCheck<T>(pairs: readonly [Check, T][]): Readonly<Record<Check, T>> {
  return Object.fromEntries(pairs) as Record<Check, T>;
}

/** Who reads more than the board's files, as a page can, adds what it found by `withV21`. */
function v21Conclusion(manifest: Manifest | null): Conclusion {
  const unnamed = manifest !== null && manifest.client.bundle === null;
  const reason = unnamed
    ? 'the manifest names no web bundle'
    : "only the board's files were looked at, no origin of the web bundle";
  return { state: 'not applicable', notes: [reason] };
}

function paperReport(entry: EntryOf<'paper-count'>): PaperReport {
  return { ...sumStations(entry, entry.stations), stations: entry.stations };
}

/** The report with V21 as a page found it: the verdict follows. */
export function withV21(report: Report, { state, notes }: Conclusion): Report {
  const states = { ...report.states, V21: state };
  const verdict = verdictOf(Object.values(states));
  return {
    ...report,
    states,
    notes: { ...report.notes, V21: notes },
    verdict,
    exitCode: EXIT_CODES[verdict],
    verdictLine: verdictLineOf(verdict, report.witnesses),
  };
}
