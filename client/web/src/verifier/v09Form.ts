// V09: what the manifest decides about an entry's form, and the encoding of its points and scalars (docs/spec 4, 8.1, 8.3).
// The members of each kind and their canonical form are `src/board/entries.ts`.
import { Malformed } from '../core/errors.ts';
import { equal, type Bytes } from '../core/bytes.ts';
import { decodePoint, decodeScalar } from '../core/group.ts';
import type { OfficialContent } from '../board/entries.ts';
import type { Manifest } from '../board/manifest.ts';
import { conclude, named, type Conclusion } from './checks.ts';
import type { ElectionState } from './state.ts';

/** The 32-byte pieces of a binary member. */
export function splitPoints(raw: Bytes): Bytes[] {
  const pieces: Bytes[] = [];
  for (let at = 0; at < raw.length; at += 32) pieces.push(raw.subarray(at, at + 32));
  return pieces;
}

/** The rest of the first test of an official's entry. Throws Malformed. */
export function v09OfficialForm(state: ElectionState, content: OfficialContent): void {
  const { manifest, electionId } = state;
  if (content.kind === 'manifest') return;
  require(equal(content.election, electionId), 'an entry of another election');
  const guardians = manifest.guardians.keys.length;
  const k = manifest.guardians.threshold;
  const registrars = manifest.registrars.length;
  for (const member of ['guardian', 'against', 'complainant'] as const) {
    const number = (content as { readonly [name: string]: unknown })[member];
    require(number === undefined || (number as number) <= guardians, `there is no guardian ${String(number)}`);
  }
  if ('registrar' in content) {
    require(content.registrar <= registrars, `there is no registrar ${content.registrar}`);
  }
  switch (content.kind) {
    case 'guardian-commitment':
      requirePoints(content.commitments, k);
      requireProof(content.proof, k, k);
      break;
    case 'guardian-shares': {
      const others = manifest.guardians.keys.map((_, at) => at + 1).filter((number) => number !== content.guardian);
      const right =
        content.shares.length === others.length && content.shares.every(({ guardian }, at) => guardian === others[at]);
      require(right, 'shares for other guardians than all others in ascending order');
      break;
    }
    case 'guardian-answer':
      requireScalars(content.share, 1);
      break;
    case 'roll':
      requirePoints(content.parts, content.styles.length);
      require(content.styles.every((style) => style < manifest.styles.length), 'an unknown style');
      break;
    case 'roll-revocation':
      requirePoints(content.credential, 1);
      break;
    case 'roll-replacement':
      requirePoints(content.credential, 1);
      requirePoints(content.parts, registrars);
      require(content.proofs.length === 64 * registrars, 'another number of proofs than of registrars');
      for (let at = 0; at < content.proofs.length; at += 64) requireProof(content.proofs.subarray(at, at + 64), 1, 1);
      break;
    case 'opening':
      requirePoints(content.key, 1);
      break;
    case 'paper-count':
      requirePaperCount(manifest, content);
      break;
    case 'partial-decryption': {
      content.units.forEach((districts) => requireDistricts(manifest, districts));
      const count = Math.floor(content.points.length / 32);
      requirePoints(content.points, count);
      requireProof(content.proof, count + 1, 1);
      break;
    }
    case 'result':
      for (const unit of content.units) {
        requireDistricts(manifest, unit.districts);
        for (const { contest } of unit.contests) {
          require(manifest.contests.some(({ id }) => id === contest), 'a unit with an unknown contest');
        }
      }
      break;
    default:
      break;
  }
}

function requirePaperCount(manifest: Manifest, content: OfficialContent & { kind: 'paper-count' }): void {
  const style = manifest.styles.find(({ district }) => district === content.district);
  require(style?.contests.includes(content.contest) === true, 'a paper count of a contest that its district has not');
  const options = manifest.contests.find(({ id }) => id === content.contest)?.options.length;
  const { stations } = content;
  require(stations.every(
    ({ votes }) => votes.length === options,
  ), 'a polling station without one number for each option');
  require(new Set(stations.map(({ id }) => id)).size === stations.length, 'two polling stations with one id');
}

function requireDistricts(manifest: Manifest, districts: readonly string[]): void {
  for (const district of districts) {
    require(manifest.districts.some(({ id }) => id === district), 'a unit with an unknown district');
  }
}

/** `count` well-encoded points, none of them the identity. Throws Malformed. */
export function requirePoints(raw: Bytes, count: number): void {
  require(raw.length === 32 * count, `${raw.length} bytes instead of ${count} points`);
  splitPoints(raw).forEach(decodePoint);
}

/** `count` canonical scalars. Throws Malformed. */
export function requireScalars(raw: Bytes, count: number): void {
  require(raw.length === 32 * count, `${raw.length} bytes instead of ${count} scalars`);
  splitPoints(raw).forEach(decodeScalar);
}

/** A NARG string (2.2) of that shape, well encoded. Throws Malformed. */
export function requireProof(raw: Bytes, equations: number, scalars: number): void {
  requirePoints(raw.subarray(0, 32 * equations), equations);
  requireScalars(raw.subarray(32 * equations), scalars);
}

export function require(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Malformed(reason);
}

export function v09Conclusion(state: ElectionState): Conclusion {
  return conclude(named(state.refusals, 'V09'));
}
