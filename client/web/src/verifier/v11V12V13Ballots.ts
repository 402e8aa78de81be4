// V11 to V13: the roll, the chains, and no ciphertext twice (docs/spec 6.7, 8.1).
import { concat, equal, toHex, type Bytes } from '../core/bytes.ts';
import { conclude, named, type Check, type Conclusion } from './checks.ts';
import type { Credential, ElectionState } from './state.ts';
import type { ProvenBallot } from './v10BallotProofs.ts';

/** A ballot entry that is well formed, as far as the manifest's styles go. */
export interface BallotAtHand extends ProvenBallot {
  readonly previous: Bytes;
}

/** Why the credential may not vote with this style; null if it may. */
export function v11Fault(state: ElectionState, ballot: BallotAtHand): string | null {
  const known = state.roll.credentials.get(toHex(ballot.credential));
  if (known === undefined) return 'the credential is not on the roll';
  if (!known.active) return 'the credential was revoked or replaced';
  if (known.style === ballot.style) return null;
  const { styles } = state.manifest;
  return `the ballot's style is ${styles[ballot.style]?.id}, the credential's is ${styles[known.style]?.id}`;
}

/** Chain and points of a ballot whose proof is right, in board order. It takes effect, or this says why not. */
export function v12V13Take(state: ElectionState, ballot: BallotAtHand): { check: Check; reason: string } | null {
  const credential = state.roll.credentials.get(toHex(ballot.credential)) as Credential;
  if (!equal(ballot.previous, credential.previous)) {
    const reason =
      credential.accepted === 0
        ? 'previous is not zero, and the credential has no accepted ballot'
        : 'previous is not the last accepted ballot of this credential';
    return { check: 'V12', reason };
  }
  const points: Bytes[] = [];
  for (let at = 0; at < ballot.ciphertexts.length; at += 64) points.push(ballot.ciphertexts.subarray(at, at + 32));
  if (new Set(points.map(toHex)).size < points.length) {
    return { check: 'V13', reason: 'a point A stands twice in this ballot' };
  }
  if (points.some((point) => state.ballots.points.has(point))) {
    return { check: 'V13', reason: 'a point A of an earlier accepted ballot is used again' };
  }
  for (const point of points) state.ballots.points.add(point);
  state.ballots.accepted += 1;
  credential.accepted += 1;
  credential.previous = ballot.bodyHash;
  // A copy of its own: the ballot's bytes may be part of a whole bundle's.
  credential.ciphertexts = concat(ballot.ciphertexts);
  return null;
}

/** V10 to V13 as a whole. */
export function ballotsConclusion(state: ElectionState, check: 'V10' | 'V11' | 'V12' | 'V13'): Conclusion {
  return conclude(named(state.refusals, check), state.opening === null ? ['no opening'] : []);
}
