// V08: the roll is what the registrars committed to before any revealed its parts, and every change of it keeps its rule
// (docs/spec 5.6, 5.7, 8.3).
import { sha256 as streaming } from '@noble/hashes/sha2.js';
import { concat, equal, le, sha256, toHex, utf8, type Bytes } from '../core/bytes.ts';
import { IDENTITY, add, decodePoint, encodePoint } from '../core/group.ts';
import { credentialPart, credentialPartTag } from '../core/relations.ts';
import { verify } from '../core/sigma.ts';
import type { EntryOf } from '../board/entries.ts';
import { Broken, conclude, demand, named, type Conclusion } from './checks.ts';
import { NO_BALLOT, type Credential, type ElectionState, type Revealed, type RollHasher } from './state.ts';
import type { Summing } from './tasks.ts';
import { splitPoints } from './v09Form.ts';

const IDENTITY_BYTES: Bytes = new Uint8Array(32);

/** All registrars commit to the same number of credentials. */
export function v08RollCommitment(state: ElectionState, content: EntryOf<'roll-commitment'>): void {
  const { registrar, credentials, commitment } = content;
  for (const [other, earlier] of state.roll.registrars) {
    demand(
      'V08',
      earlier.credentials === credentials,
      `registrar ${registrar} commits to ${credentials} credentials, registrar ${other} to ${earlier.credentials}`,
    );
  }
  const hasher = streaming.create() as unknown as RollHasher;
  hasher.update(concat(utf8('RETALLY-V01-roll'), state.electionId, le(registrar, 4), le(credentials, 8)));
  state.roll.registrars.set(registrar, { credentials, commitment, hasher, parts: [], styles: [] });
}

/** A chunk fits its commitment and the other registrars' styles; the last one completes the roll. */
export function* v08RollChunk(state: ElectionState, content: EntryOf<'roll'>): Summing {
  const { registrar, styles } = content;
  const { registrars } = state.roll;
  const own = registrars.get(registrar) as Revealed;
  chunkFits(state, content, own);
  // Nothing of the state is changed before every demand is met: a refused chunk has no effect.
  const hasher = own.hasher.clone();
  splitPoints(content.parts).forEach((part, p) => {
    hasher.update(part);
    hasher.update(le(styles[p] as number, 4));
  });
  let credentials: Credential[] | null = null;
  if (content.first + styles.length === own.credentials) {
    demand('V08', equal(hasher.clone().digest(), own.commitment), `registrar ${registrar} breaks its commitment`);
    const others = [...registrars].filter(([other]) => other !== registrar).map(([, revealed]) => revealed);
    if (others.every((other) => other.styles.length === other.credentials)) {
      const sums = yield [concat(...own.parts, content.parts), ...others.map((other) => concat(...other.parts))];
      credentials = credentialsOf(sums, [...own.styles, ...styles]);
    }
  }
  own.hasher = hasher;
  own.parts.push(content.parts);
  for (const style of styles) own.styles.push(style);
  if (credentials !== null) completeRoll(state, credentials);
}

/** The chunk answers to the commitments on this board, is not too long, and has the other registrars' styles. */
function chunkFits(
  state: ElectionState,
  { registrar, first, styles, commitments }: EntryOf<'roll'>,
  own: Revealed,
): void {
  demand(
    'V08',
    equal(commitments, commitmentsDigest(state)),
    `registrar ${registrar} reveals its parts to other commitments than those on this board`,
  );
  const end = first + styles.length;
  demand(
    'V08',
    end <= own.credentials,
    `registrar ${registrar} reveals ${end} credentials and committed to ${own.credentials}`,
  );
  for (const [other, { styles: known }] of state.roll.registrars) {
    if (other === registrar) continue;
    const differs = styles.findIndex((style, p) => style !== (known[first + p] ?? style));
    demand(
      'V08',
      differs < 0,
      `registrars ${registrar} and ${other} name styles ${styles[differs]} and ${known[first + differs]} at position ${first + differs}`,
    );
  }
}

/** The credentials C = Σ P_r, none of them the identity, no two of them equal. */
function credentialsOf(sums: Bytes, styles: readonly number[]): Credential[] {
  const seen = new Set<string>();
  return styles.map((style, position) => {
    const credential = sums.slice(32 * position, 32 * position + 32);
    demand('V08', !equal(credential, IDENTITY_BYTES), `the parts of position ${position} sum to the identity`);
    const name = toHex(credential);
    demand('V08', !seen.has(name), `position ${position} repeats a credential`);
    seen.add(name);
    return unused(credential, style);
  });
}

function completeRoll({ roll }: ElectionState, credentials: readonly Credential[]): void {
  for (const credential of credentials) roll.credentials.set(toHex(credential.credential), credential);
  roll.active = credentials.length;
  roll.complete = true;
  // Only their sums are needed from here on.
  for (const revealed of roll.registrars.values()) revealed.parts.length = 0;
}

function unused(credential: Bytes, style: number): Credential {
  return { credential, style, active: true, accepted: 0, previous: NO_BALLOT, ciphertexts: null };
}

/** What `commitments` of a `roll` entry must be, once all registrars have committed. */
function commitmentsDigest(state: ElectionState): Bytes {
  const { registrars } = state.roll;
  const inOrder = state.manifest.registrars.map((_, at) => (registrars.get(at + 1) as Revealed).commitment);
  return sha256(utf8('RETALLY-V01-roll-commitments'), state.electionId, ...inOrder);
}

/** An unused active credential is taken off the roll, within the cap. */
export function v08Revocation(state: ElectionState, content: EntryOf<'roll-revocation'>): void {
  const credential = changeable(state, content);
  const cap = state.manifest.caps.revocations;
  demand('V08', state.roll.revocations < cap, `more than ${cap} revocations`);
  credential.active = false;
  state.roll.revocations += 1;
  state.roll.active -= 1;
}

/** An unused active credential gives way to one whose parts are all proven, within the cap. */
export function v08Replacement(state: ElectionState, content: EntryOf<'roll-replacement'>): void {
  const old = changeable(state, content);
  const cap = state.manifest.caps.replacements;
  demand('V08', state.roll.replacements < cap, `more than ${cap} replacements`);
  const parts = splitPoints(content.parts).map(decodePoint);
  parts.forEach((part, at) => {
    const tag = credentialPartTag(state.electionId, at + 1, content.credential);
    const proof = content.proofs.subarray(64 * at, 64 * at + 64);
    demand('V08', verify(tag, credentialPart(part), proof), `registrar ${at + 1} does not prove its part`);
  });
  const credential = encodePoint(parts.reduce(add, IDENTITY));
  demand('V08', !equal(credential, IDENTITY_BYTES), 'the parts sum to the identity');
  const name = toHex(credential);
  demand('V08', !state.roll.credentials.has(name), 'the new credential was on the roll before');
  old.active = false;
  state.roll.credentials.set(name, unused(credential, old.style));
  state.roll.replacements += 1;
}

function changeable(state: ElectionState, content: EntryOf<'roll-revocation' | 'roll-replacement'>): Credential {
  const credential = state.roll.credentials.get(toHex(content.credential));
  if (credential === undefined || !credential.active) {
    throw new Broken('V08', `${content.kind} of a credential that is not active`);
  }
  demand('V08', credential.accepted === 0, `${content.kind} of a credential with an accepted ballot`);
  return credential;
}

/** `credentials` and `roll` of the opening are number and digest of the active credentials. */
export function v08Opening(state: ElectionState, content: EntryOf<'opening'>): void {
  const { active, credentials } = state.roll;
  demand('V08', content.credentials === active, `credentials is ${content.credentials}, ${active} are active`);
  const hash = streaming.create();
  hash.update(concat(utf8('RETALLY-V01-opened-roll'), state.electionId, le(active, 8)));
  for (const { credential, style, active: counts } of credentials.values()) {
    if (counts) hash.update(credential).update(le(style, 4));
  }
  demand('V08', equal(content.roll, hash.digest()), 'roll is not the digest of the active credentials');
}

export function v08Conclusion(state: ElectionState): Conclusion {
  const incomplete = state.roll.complete ? [] : ['the roll is incomplete'];
  const noOpening = state.opening === null ? ['no opening'] : [];
  return conclude(named(state.refusals, 'V08'), [...incomplete, ...noOpening]);
}
