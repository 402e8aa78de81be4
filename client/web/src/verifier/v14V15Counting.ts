// V14 and V15: which ballots count, and that every ballot entry is accounted for (docs/spec 7.1 to 7.4, 7.7).
import { sha256, utf8, type Bytes } from '../core/bytes.ts';
import { contestBits } from '../core/contests.ts';
import { IDENTITY, add, decodePoint, encodePoint, msm, type Point } from '../core/group.ts';
import type { Reconciliation } from '../board/counts.ts';
import type { EntryOf } from '../board/entries.ts';
import type { Manifest } from '../board/manifest.ts';
import { Broken, conclude, demand, named, type Conclusion } from './checks.ts';
import type { ElectionState } from './state.ts';
import type { Aggregate, Counting } from './tally.ts';
import type { Summing } from './tasks.ts';
import { formUnits, type Unit } from './units.ts';

/** `ballots` is the number of ballot entries before the closing; from here on the counted ballots are fixed. */
export function* v14Closing(state: ElectionState, content: EntryOf<'closing'>): Summing {
  const { entries } = state.ballots;
  demand(
    'V14',
    content.ballots === entries,
    `ballots is ${content.ballots}, ${entries} ballot entries stand before it`,
  );
  const ballots = lastBallots(state);
  const sums = new Map<string, Point[]>();
  for (const [district, rows] of ballots) sums.set(district, decodeSums(yield rows));
  const counted = new Map([...ballots].map(([district, { length }]) => [district, length]));
  state.closing = { index: state.index, counting: countingOf(state, counted, sums) };
}

/** The ciphertexts of the last ballot of every chain, by district. */
function lastBallots({ manifest, roll }: ElectionState): Map<string, Bytes[]> {
  const ballots = new Map<string, Bytes[]>();
  for (const { style, ciphertexts } of roll.credentials.values()) {
    if (ciphertexts === null) continue;
    const { district } = manifest.styles[style] as Manifest['styles'][number];
    const known = ballots.get(district);
    if (known) known.push(ciphertexts);
    else ballots.set(district, [ciphertexts]);
  }
  return ballots;
}

function countingOf(
  { manifest, electionId }: ElectionState,
  counted: ReadonlyMap<string, number>,
  sums: ReadonlyMap<string, readonly Point[]>,
): Counting {
  const units = formUnits(manifest, counted);
  const aggregates = units.flatMap((unit, at) =>
    unit.state === 'reported' ? aggregatesOf(manifest, unit, at, sums) : [],
  );
  const encoded = aggregates.flatMap(({ a, b }) => [encodePoint(a), encodePoint(b)]);
  const digest = sha256(utf8('RETALLY-V01-aggregates'), electionId, ...encoded);
  return { units, aggregates, digest, counted: units.reduce((sum, unit) => sum + unit.counted, 0) };
}

/** Sums of points, in which the identity may stand as zeros. */
export function decodeSums(encoded: Bytes): Point[] {
  const points: Point[] = [];
  for (let at = 0; at < encoded.length; at += 32) {
    const one = encoded.subarray(at, at + 32);
    points.push(one.every((byte) => byte === 0) ? IDENTITY : decodePoint(one));
  }
  return points;
}

/** 7.3 for one unit: contests in the style's order, options in the contest's. */
function aggregatesOf(
  manifest: Manifest,
  unit: Unit,
  place: number,
  sums: ReadonlyMap<string, readonly Point[]>,
): Aggregate[] {
  // The districts' sums one after the other, each as long as a ballot: a district where nobody voted has none.
  const columns = unit.districts.flatMap((district) => sums.get(district) ?? []);
  const width = columns.length / unit.districts.filter((district) => sums.has(district)).length;
  const total = (column: number): Point => {
    let sum = IDENTITY;
    for (let at = column; at < columns.length; at += width) sum = add(sum, columns[at] as Point);
    return sum;
  };
  const aggregates: Aggregate[] = [];
  let first = 0;
  for (const id of contestsOf(manifest, unit)) {
    const contest = manifest.contests.find((one) => one.id === id) as Manifest['contests'][number];
    const { optionWeights, slackWeights } = contestBits(contest);
    const weights = optionWeights.map(BigInt);
    contest.options.forEach((_, option) => {
      const bits = weights.map((_weight, bit) => 2 * (first + option * weights.length + bit));
      const a = msm(bits.map(total), weights);
      const b = msm(
        bits.map((column) => total(column + 1)),
        weights,
      );
      const listed = encodePoint(a).some((byte) => byte !== 0);
      aggregates.push({ unit: place, contest: id, option, a, b, listed, bound: unit.counted * contest.score });
    });
    first += contest.options.length * weights.length + slackWeights.length;
  }
  return aggregates;
}

/** The contests of a unit's districts, all the same, in the style's order. */
export function contestsOf(manifest: Manifest, unit: Unit): readonly string[] {
  return manifest.styles.find(({ district }) => district === unit.districts[0])?.contests ?? [];
}

export function reconcile(state: ElectionState): Reconciliation {
  const { entries, accepted } = state.ballots;
  let voted = 0;
  let superseded = 0;
  for (const credential of state.roll.credentials.values()) {
    if (credential.accepted === 0) continue;
    voted += 1;
    superseded += credential.accepted - 1;
  }
  const counted = state.closing?.counting.counted ?? voted;
  return {
    credentials: state.roll.active,
    entries,
    voted,
    accepted,
    superseded,
    counted,
    refused: entries - accepted,
  };
}

/** The six numbers of a result are the board's. */
export function v15ResultNumbers(state: ElectionState, content: EntryOf<'result'>): void {
  const numbers = reconcile(state);
  for (const name of ['credentials', 'voted', 'accepted', 'superseded', 'counted', 'refused'] as const) {
    if (content[name] !== numbers[name]) {
      throw new Broken('V15', `${name} is ${content[name]}, the board has ${numbers[name]}`);
    }
  }
}

export function v14Conclusion(state: ElectionState): Conclusion {
  return conclude(named(state.refusals, 'V14'), noClosing(state));
}

export function v15Conclusion(state: ElectionState): Conclusion {
  const failures = named(state.refusals, 'V15');
  const missing = noClosing(state);
  if (missing.length === 0) {
    const { credentials, entries, voted, accepted, superseded, counted, refused } = reconcile(state);
    if (credentials < voted) failures.push(`${voted} voted, ${credentials} are on the roll`);
    if (counted !== voted || accepted !== counted + superseded) {
      failures.push(`accepted ${accepted}, counted ${counted}, superseded ${superseded}, voted ${voted}`);
    }
    if (entries !== accepted + refused) {
      failures.push(`${entries} ballot entries, ${accepted} accepted, ${refused} refused`);
    }
  }
  return conclude(failures, missing);
}

/** Where the closing is absent, V14 to V20 are incomplete. */
export function noClosing(state: ElectionState): string[] {
  return state.closing === null ? ['no closing'] : [];
}
