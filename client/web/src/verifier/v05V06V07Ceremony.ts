// V05 to V07: the guardians' ceremony and the key it makes (docs/spec 5.1 to 5.5, 8.3).
import { concat, equal, sha256 } from '../core/bytes.ts';
import {
  BASE,
  IDENTITY,
  ORDER,
  add,
  decodePoint,
  decodeScalar,
  encodePoint,
  msm,
  multiply,
  pointEqual,
  type Point,
} from '../core/group.ts';
import { verify } from '../core/sigma.ts';
import { guardianCommitment, guardianCommitmentTag } from '../core/relations.ts';
import type { EntryOf } from '../board/entries.ts';
import { Broken, conclude, demand, named, noteOf, type Conclusion } from './checks.ts';
import { splitPoints } from './v09Form.ts';
import type { ElectionState } from './state.ts';
import { pair } from './v04Order.ts';

/** The guardian knows its whole polynomial. */
export function v05Commitment(state: ElectionState, content: EntryOf<'guardian-commitment'>): void {
  const points = splitPoints(content.commitments).map(decodePoint);
  const tag = guardianCommitmentTag(state.electionId, content.guardian);
  const proved = verify(tag, guardianCommitment(points), content.proof);
  demand('V05', proved, `guardian ${content.guardian} does not prove its commitments`);
  state.ceremony.commitments.set(content.guardian, points);
}

/** A complaint always has its effect; the k-th accuser of one guardian voids the ceremony. */
export function v06Complaint(state: ElectionState, content: EntryOf<'guardian-complaint'>): void {
  const { ceremony, index, manifest } = state;
  ceremony.complaints.add(pair(content.guardian, content.against));
  const accusers = (ceremony.accusers.get(content.against) ?? 0) + 1;
  ceremony.accusers.set(content.against, accusers);
  if (accusers >= manifest.guardians.threshold) {
    const reason = `${accusers} guardians accuse guardian ${content.against}`;
    ceremony.void.push({ index, check: 'V06', reason });
  }
}

/** The published share is the one that the accused committed to: share·G = Σ j^l·F_l for the complainant j. */
export function v06Answer(state: ElectionState, content: EntryOf<'guardian-answer'>): void {
  const { guardian, complainant, share } = content;
  const secret = decodeScalar(share);
  const published = secret === 0n ? IDENTITY : multiply(BASE, secret);
  const committed = evaluate(state.ceremony.commitments.get(guardian) ?? [], complainant);
  demand(
    'V06',
    pointEqual(published, committed),
    `guardian ${guardian} answers guardian ${complainant} with a wrong share`,
  );
  state.ceremony.answers.add(pair(complainant, guardian));
}

/** The guardian saw the ceremony that is on the board, and the ceremony is not void. */
export function v06Confirmation(state: ElectionState, content: EntryOf<'guardian-confirmation'>): void {
  const { ceremony } = state;
  const same = equal(content.ceremony, sha256(concat(...ceremony.transcript)));
  demand('V06', same, `guardian ${content.guardian} confirms another ceremony`);
  const [accused] = ceremony.void;
  if (accused !== undefined) throw new Broken('V06', `the ceremony is void: ${noteOf(accused)}`);
  ceremony.confirmations.add(content.guardian);
}

/** `key` is the sum of the guardians' commitments; neither it nor the public key of a share is the identity. */
export function v07Opening(state: ElectionState, content: EntryOf<'opening'>): void {
  const { keys } = state.manifest.guardians;
  const key = [...state.ceremony.commitments.values()].reduce((sum, [first]) => add(sum, first as Point), IDENTITY);
  const right = !pointEqual(key, IDENTITY) && equal(content.key, encodePoint(key));
  demand('V07', right, "key is not the sum of the guardians' commitments");
  keys.forEach((_, at) => {
    const identity = pointEqual(publicShare(state, at + 1), IDENTITY);
    demand('V07', !identity, `the share of guardian ${at + 1} has the identity as public key`);
  });
}

/** S_j of 5.5, for a ceremony with all its commitments. */
export function publicShare(state: ElectionState, guardian: number): Point {
  const commitments = [...state.ceremony.commitments.values()];
  const sums = (commitments[0] ?? []).map((_, l) =>
    commitments.reduce((sum, points) => add(sum, points[l] as Point), IDENTITY),
  );
  return evaluate(sums, guardian);
}

/** Σ at^l·points[l]. */
function evaluate(points: readonly Point[], at: number): Point {
  let power = 1n;
  const powers = points.map(() => {
    const now = power;
    power = (power * BigInt(at)) % ORDER;
    return now;
  });
  return msm(points, powers);
}

export function v05Conclusion(state: ElectionState): Conclusion {
  return conclude(named(state.refusals, 'V05'), lacking(state));
}

export function v06Conclusion(state: ElectionState): Conclusion {
  const guardians = state.manifest.guardians.keys.length;
  const confirmed = state.ceremony.confirmations.size;
  const missing = confirmed < guardians ? [`${confirmed} of ${guardians} confirmations`] : [];
  return conclude([...state.ceremony.void.map(noteOf), ...named(state.refusals, 'V06')], missing);
}

export function v07Conclusion(state: ElectionState): Conclusion {
  const noOpening = state.opening === null ? ['no opening'] : [];
  return conclude(named(state.refusals, 'V07'), [...lacking(state), ...noOpening]);
}

function lacking(state: ElectionState): string[] {
  const guardians = state.manifest.guardians.keys.length;
  const committed = state.ceremony.commitments.size;
  return committed < guardians ? [`${committed} of ${guardians} commitments`] : [];
}
