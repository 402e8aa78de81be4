// V16 to V18: the guardians decrypted the right sums, proved it, and k of them combine to counts (docs/spec 7.4 to 7.6).
import { equal, sha256, utf8 } from '../core/bytes.ts';
import { ORDER, add, decodePoint, encodePoint, msm, type Point } from '../core/group.ts';
import { partialDecryption, partialDecryptionTag } from '../core/relations.ts';
import { verify } from '../core/sigma.ts';
import type { UnitCounts } from '../board/counts.ts';
import type { EntryOf } from '../board/entries.ts';
import { Broken, conclude, demand, named, type Conclusion } from './checks.ts';
import { discreteLogs } from './discreteLog.ts';
import type { Closing, ElectionState } from './state.ts';
import type { Combination, Counting } from './tally.ts';
import { contestsOf, noClosing } from './v14V15Counting.ts';
import { publicShare } from './v05V06V07Ceremony.ts';
import { splitPoints } from './v09Form.ts';

/** The closing in force. Only after it does V04 let the tally's entries come. */
export function closingOf({ closing }: ElectionState): Closing {
  if (closing === null) throw new Broken('V04', 'nothing is counted before the closing');
  return closing;
}

/** V20, V16 and V17 of a partial decryption, in this order (8.2). */
export function takePartialDecryption(state: ElectionState, content: EntryOf<'partial-decryption'>): void {
  const { tally, index } = state;
  const { guardian, size } = content;
  const { index: closing, counting } = closingOf(state);
  demand('V20', !tally.partials.has(guardian), `guardian ${guardian} decrypts a second time`);
  const reported = counting.units.filter((unit) => unit.state === 'reported').map((unit) => unit.districts);
  demand('V20', sameLists(content.units, reported), `guardian ${guardian} decrypts other units than the reported ones`);
  tally.lookedAtV16 += 1;
  demand(
    'V16',
    equal(content.aggregates, counting.digest),
    `guardian ${guardian} decrypts other sums than those of the counted ballots`,
  );
  demand('V17', closing < size && size <= index, `size is ${size}, not in ${closing + 1}..${index}`);
  const root = tally.roots.get(size);
  demand('V17', root !== undefined && equal(content.root, root), `root is not this board's at size ${size}`);
  const listed = counting.aggregates.filter((aggregate) => aggregate.listed);
  const points = splitPoints(content.points).map(decodePoint);
  demand('V17', points.length === listed.length, `${points.length} points for ${listed.length} aggregates`);
  const relation = partialDecryption(
    publicShare(state, guardian),
    listed.map(({ a }) => a),
    points,
  );
  const tag = partialDecryptionTag(state.electionId, guardian, size, content.root);
  demand('V17', verify(tag, relation, content.proof), `the proof of guardian ${guardian} does not verify`);
  tally.partials.set(guardian, points);
}

export function sameLists(one: readonly (readonly string[])[], other: readonly (readonly string[])[]): boolean {
  return one.length === other.length && one.every((list, at) => sameList(list, other[at] ?? []));
}

export function sameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

/** The counts from the k valid partial decryptions with the lowest numbers; null while there are fewer. */
export function combinationOf(state: ElectionState): Combination | null {
  const { closing, tally, manifest } = state;
  if (closing === null || tally.partials.size < manifest.guardians.threshold) return null;
  tally.combination ??= combine(state, closing.counting);
  return tally.combination;
}

function combine(state: ElectionState, counting: Counting): Combination {
  const chosen = [...state.tally.partials.keys()].sort((a, b) => a - b).slice(0, state.manifest.guardians.threshold);
  // B − Σ λ_i·M_i: factors are negated once, not every product.
  const factors = chosen.map((guardian) => ORDER - lagrange(guardian, chosen));
  let row = 0;
  const decrypted = counting.aggregates.map(({ listed, b }) => {
    if (!listed) return b;
    const shares = chosen.map((guardian) => state.tally.partials.get(guardian)?.[row] as Point);
    row += 1;
    return add(b, msm(shares, factors));
  });
  const digest = sha256(utf8('RETALLY-V01-combined'), state.electionId, ...decrypted.map(encodePoint));
  const found = discreteLogs(
    decrypted,
    counting.aggregates.map(({ bound }) => bound),
  );
  const notFound = counting.aggregates.flatMap(({ unit, contest, option, bound }, at) => {
    if (found[at] !== null) return [];
    const districts = counting.units[unit]?.districts.join(', ');
    return [`no count within 0..${bound} for contest ${contest}, option ${option + 1}, unit ${districts}`];
  });
  return { digest, units: unitCounts(state, counting, found), notFound };
}

/** λ_i of 7.6, in 1..ℓ−1. */
export function lagrange(guardian: number, chosen: readonly number[]): bigint {
  let above = 1n;
  let below = 1n;
  for (const other of chosen) {
    if (other === guardian) continue;
    above = (above * BigInt(other)) % ORDER;
    below = (below * BigInt(other - guardian)) % ORDER;
  }
  return (above * inverse((below + ORDER) % ORDER)) % ORDER;
}

/** Fermat: ℓ is prime. */
function inverse(value: bigint): bigint {
  let result = 1n;
  let base = value;
  for (let exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}

/** `units` of 7.7 as they must be. */
function unitCounts(state: ElectionState, counting: Counting, found: readonly (number | null)[]): UnitCounts[] {
  const { manifest } = state;
  return counting.units.map((unit, place) => {
    const contests = contestsOf(manifest, unit).map((contest) => {
      const options = manifest.contests.find(({ id }) => id === contest)?.options ?? [];
      const counts =
        unit.state === 'empty'
          ? options.map(() => 0)
          : found.filter((_, at) => {
              const aggregate = counting.aggregates[at];
              return aggregate?.unit === place && aggregate.contest === contest;
            });
      return { contest, counts };
    });
    return { ...unit, contests: unit.state === 'withheld' ? [] : contests };
  });
}

/** While nobody could be combined: every unit with what is known of it. */
export function unitsWithoutCounts(counting: Counting): UnitCounts[] {
  return counting.units.map((unit) => ({ ...unit, contests: [] }));
}

export function v16Conclusion(state: ElectionState): Conclusion {
  const missing = noClosing(state);
  if (missing.length === 0 && state.tally.lookedAtV16 === 0) {
    missing.push('no partial decryption of the reported units');
  }
  return conclude(named(state.refusals, 'V16'), missing);
}

export function v17Conclusion(state: ElectionState): Conclusion {
  return conclude(named(state.refusals, 'V17'), lacking(state));
}

export function v18Conclusion(state: ElectionState): Conclusion {
  const failures = named(state.refusals, 'V18');
  const combination = combinationOf(state);
  return combination === null ? conclude(failures, lacking(state)) : conclude([...combination.notFound, ...failures]);
}

/** Why there are no counts to compare with yet. */
export function lacking(state: ElectionState): string[] {
  const unclosed = noClosing(state);
  if (unclosed.length > 0) return unclosed;
  const { threshold } = state.manifest.guardians;
  const valid = state.tally.partials.size;
  return valid < threshold ? [`${valid} of ${threshold} valid partial decryptions`] : [];
}
