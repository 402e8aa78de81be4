// V11 to V13: the roll, the chains, and no ciphertext twice (docs/spec 6.7, 8.1). In which order they and the other checks
// of a ballot stand is `ballotRule.ts`.
import { concat, equal, toHex, type Bytes } from '../core/bytes.ts';
import { conclude, named, type Conclusion } from './checks.ts';
import type { Credential, ElectionState } from './state.ts';
import type { WellFormedBallot } from './v09BallotForm.ts';

/** Why the credential may not vote with this style; null if it may. */
export function v11Fault(
  ballot: WellFormedBallot,
  credential: Readonly<Credential> | undefined,
  styles: readonly { readonly id: string }[],
): string | null {
  if (credential === undefined) return 'the credential is not on the roll';
  if (!credential.active) return 'the credential was revoked or replaced';
  if (credential.style === ballot.style) return null;
  return `the ballot's style is ${styles[ballot.style]?.id}, the credential's is ${styles[credential.style]?.id}`;
}

/** Why the ballot does not follow the last accepted one of its credential; null if it does. */
export function v12Fault(ballot: WellFormedBallot, credential: Readonly<Credential>): string | null {
  if (equal(ballot.previous, credential.previous)) return null;
  return credential.accepted === 0
    ? 'previous is not zero, and the credential has no accepted ballot'
    : 'previous is not the last accepted ballot of this credential';
}

/** Why a ciphertext of the ballot is a copy; null if none is. `used`: the points A of all accepted ballots. */
export function v13Fault(ballot: WellFormedBallot, used: { has(point: Bytes): boolean }): string | null {
  const points = pointsA(ballot);
  if (new Set(points.map(toHex)).size < points.length) return 'a point A stands twice in this ballot';
  if (points.some((point) => used.has(point))) return 'a point A of an earlier accepted ballot is used again';
  return null;
}

function pointsA({ ciphertexts }: WellFormedBallot): Bytes[] {
  const points: Bytes[] = [];
  for (let at = 0; at < ciphertexts.length; at += 64) points.push(ciphertexts.subarray(at, at + 32));
  return points;
}

/** The effect of a ballot that no check refuses: it is the last of its chain now. */
export function acceptBallot(state: ElectionState, ballot: WellFormedBallot): void {
  const credential = state.roll.credentials.get(toHex(ballot.credential)) as Credential;
  for (const point of pointsA(ballot)) state.ballots.points.add(point);
  state.ballots.accepted += 1;
  credential.accepted += 1;
  credential.previous = ballot.bodyHash;
  // A copy of its own: the ballot's bytes may lie within a whole bundle's.
  credential.ciphertexts = concat(ballot.ciphertexts);
}

/** V10 to V13 as a whole. */
export function ballotsConclusion(state: ElectionState, check: 'V10' | 'V11' | 'V12' | 'V13'): Conclusion {
  return conclude(named(state.refusals, check), state.opening === null ? ['no opening'] : []);
}
