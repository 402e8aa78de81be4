// The manifest, entry 0 (docs/spec 4.1): its members, and the rules between them (V03).
import { sha256, toHex, type Bytes } from '../core/bytes.ts';
import type { Json } from '../core/canonical.ts';
import { ballotLength } from '../core/contests.ts';
import { LONGEST_ENTRY } from '../core/limits.ts';
import {
  binary,
  identifier,
  integer,
  isIdentifier,
  key,
  many,
  oneOf,
  orNull,
  record,
  text,
  type Formed,
} from './forms.ts';
import { COSIGNATURE, SIGNATURE, isValidPublicKey, type Key } from './notes.ts';

const MANIFEST = record({
  kind: oneOf('manifest'),
  version: oneOf('RETALLY-V01'),
  title: text,
  notice: orNull(text),
  authority: key,
  board: key,
  registrars: many(key, 1, 16),
  guardians: record({ keys: many(key, 1, 32), threshold: integer(1, 32) }),
  witnesses: record({ keys: many(key, 0, 32), quorum: integer(0, 32) }),
  opens: integer(),
  closes: integer(),
  grace: integer(0, 86_400),
  contests: many(
    record({
      id: identifier,
      title: text,
      options: many(record({ id: identifier, title: text }), 1, 256),
      limit: oneOf('total', 'option'),
      score: integer(1, 1000),
      min: integer(),
      max: integer(),
    }),
    1,
    64,
  ),
  districts: many(record({ id: identifier, title: text, merge: orNull(identifier) }), 1, 4096),
  styles: many(record({ id: identifier, district: identifier, contests: many(identifier, 1, 64) }), 1, 4096),
  smallest_unit: integer(),
  caps: record({ revocations: integer(), replacements: integer() }),
  client: record({ origins: many(text, 0, 16), bundle: orNull(binary(32)) }),
});

export type Manifest = Formed<typeof MANIFEST>;
export type Contest = Manifest['contests'][number];
export type District = Manifest['districts'][number];
export type Style = Manifest['styles'][number];

/** The form of a manifest; its rules are `manifestFaults`. Throws Malformed. */
export const parseManifest = (value: Json): Manifest => MANIFEST(value, 'manifest');

/** H of the manifest entry, all of its bytes. */
export const electionId = (entry: Bytes): Bytes => sha256(entry);

/** Every rule of 4.1 that is broken, in words. */
export function manifestFaults(manifest: Manifest): string[] {
  const found = [
    ...keyFaults(manifest),
    ...contestFaults(manifest),
    ...districtFaults(manifest),
    ...styleFaults(manifest),
  ];
  if (manifest.opens >= manifest.closes) found.push('the election closes before it opens');
  return found.length > 0 ? found : sizeFaults(manifest);
}

function keyFaults({ authority, board, registrars, guardians, witnesses }: Manifest): string[] {
  const officials = [authority, board, ...registrars, ...guardians.keys];
  const keys = [...officials, ...witnesses.keys];
  const found: string[] = [];
  keys.forEach((one, at) => {
    const type = at < officials.length ? SIGNATURE : COSIGNATURE;
    if (one.type !== type || !isValidPublicKey(one.publicKey)) {
      found.push(`the key ${one.name} is of another type or no point of prime order`);
    }
  });
  if (!differ(keys.map(({ name }) => name))) found.push('two keys have the same name');
  if (!differ(keys.map(({ publicKey }) => toHex(publicKey)))) found.push('two roles have the same public key');
  const slug = board.name.slice(board.name.lastIndexOf('/') + 1);
  if (!isIdentifier(slug)) found.push(`the board's short name "${slug}" is no identifier`);
  const { threshold } = guardians;
  if (threshold > guardians.keys.length) found.push('the threshold is larger than the number of guardians');
  if (!isQuorum(witnesses.keys.length, witnesses.quorum)) {
    found.push(`a quorum of ${witnesses.quorum} among ${witnesses.keys.length} witnesses`);
  }
  return found;
}

/** 3.3: all names differ and all public keys differ, whatever their type. */
export function areDistinct(keys: readonly Key[]): boolean {
  return differ(keys.map(({ name }) => name)) && differ(keys.map(({ publicKey }) => toHex(publicKey)));
}

const differ = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

/** w = q = 0, or w/2 < q ≤ w. */
export function isQuorum(witnesses: number, quorum: number): boolean {
  return (witnesses === 0 && quorum === 0) || (witnesses < 2 * quorum && quorum <= witnesses);
}

function contestFaults({ contests, styles }: Manifest): string[] {
  const used = new Set(styles.flatMap((style) => style.contests));
  const found = hasTwice(contests) ? ['two contests have one id'] : [];
  for (const { id, options, limit, score, min, max } of contests) {
    const total = options.length * score;
    if (hasTwice(options)) found.push(`two options of contest ${id} have one id`);
    if (!used.has(id)) found.push(`contest ${id} is in no style`);
    if (limit === 'option') {
      if (min !== 0 || max !== total) {
        found.push(`contest ${id} has limits for each option, and another min or max than 0 and ${total}`);
      }
    } else if (!(min <= max && 1 <= max && max <= total && total + (max - min) < 2 ** 32)) {
      found.push(`contest ${id} has min ${min} and max ${max} with at most ${total} in all`);
    }
  }
  return found;
}

function districtFaults({ districts, styles }: Manifest): string[] {
  const contestsOf = new Map(styles.map(({ district, contests }) => [district, contests.join()]));
  const known = new Set(districts.map(({ id }) => id));
  const found = hasTwice(districts) ? ['two districts have one id'] : [];
  for (const { id, merge } of districts) {
    if (!contestsOf.has(id)) found.push(`district ${id} has no style`);
    if (merge === null) continue;
    if (merge === id || !known.has(merge) || contestsOf.get(merge) !== contestsOf.get(id)) {
      found.push(`district ${id} is merged with ${merge}, which is not another one with the same contests`);
    }
  }
  return found;
}

function styleFaults({ districts, contests, styles }: Manifest): string[] {
  const order = new Map(contests.map(({ id }, place) => [id, place]));
  const known = new Set(districts.map(({ id }) => id));
  const listOf = new Map<string, string>();
  const found = hasTwice(styles) ? ['two styles have one id'] : [];
  for (const style of styles) {
    const places = style.contests.map((contest) => order.get(contest) ?? -1);
    if (!known.has(style.district)) found.push(`style ${style.id} names an unknown district`);
    if (!places.every((place, at) => place > (places[at - 1] ?? -1))) {
      found.push(`style ${style.id} does not name known, distinct contests in the manifest's order`);
    }
    const list = style.contests.join();
    if ((listOf.get(style.district) ?? list) !== list) {
      found.push(`style ${style.id} has other contests than another style of its district`);
    }
    listOf.set(style.district, list);
  }
  return found;
}

function hasTwice(items: readonly { readonly id: string }[]): boolean {
  return new Set(items.map(({ id }) => id)).size < items.length;
}

/** An election that opens can be counted: 6.6 and 7.8. */
function sizeFaults(manifest: Manifest): string[] {
  const found: string[] = [];
  for (const style of manifest.styles) {
    const size = largestBallot(manifest, style);
    if (size > LONGEST_ENTRY) found.push(`a ballot of style ${style.id} has ${size} bytes`);
  }
  for (const [kind, size] of Object.entries(largestOfTally(manifest))) {
    if (size > LONGEST_ENTRY) found.push(`a ${kind} can have ${size} bytes`);
  }
  return found;
}

/** 6.6: bytes of every ballot of a style, from the numbers of equations and scalars in 6.5. */
export function largestBallot(manifest: Manifest, style: Style): number {
  const contests = style.contests.map((id) => manifest.contests.find((contest) => contest.id === id) as Contest);
  const n = ballotLength(contests);
  const sums = contests.filter(({ limit }) => limit === 'total').length;
  const proof = 32 * (4 * n + 1 + sums) + 32 * (3 * n + 1);
  const empty = {
    ciphertexts: '',
    credential: '',
    election: '',
    kind: 'ballot',
    previous: '',
    proof: '',
    style: style.id,
  };
  return jsonLength(empty) + base64Length(64 * n) + base64Length(proof) + 3 * base64Length(32);
}

const jsonLength = (value: Json): number => JSON.stringify(value).length;
const base64Length = (bytes: number): number => Math.ceil((8 * bytes) / 6);

/** 7.8: every district a unit of its own, every number the largest. Ids and numbers are ASCII. */
function largestOfTally(manifest: Manifest): { 'partial-decryption': number; result: number } {
  const { guardians, districts, styles } = manifest;
  const most = Number.MAX_SAFE_INTEGER;
  const hash = '_'.repeat(base64Length(32));
  const optionsOf = new Map(manifest.contests.map(({ id, options }) => [id, options.length]));
  const contestsOf = new Map(styles.map(({ district, contests }) => [district, contests]));
  let points = 0;
  let units = 0;
  for (const { id } of districts) {
    const contests = (contestsOf.get(id) ?? []).map((contest) => {
      const options = optionsOf.get(contest) ?? 0;
      points += options;
      return { contest, counts: Array.from({ length: options }, () => most) };
    });
    units += jsonLength({ contests, counted: most, districts: [id], state: 'reported' });
  }
  const partial = {
    ...{ election: hash, kind: 'partial-decryption', guardian: guardians.keys.length, size: most, root: hash },
    ...{ units: districts.map(({ id }) => [id]), aggregates: hash, points: '', proof: '' },
  };
  const numbers = { credentials: most, voted: most, accepted: most, superseded: most, counted: most, refused: most };
  const result = { election: hash, kind: 'result', combined: hash, units: [], ...numbers };
  const proof = base64Length(32 * points) + base64Length(32 * (points + 2));
  return {
    'partial-decryption': jsonLength(partial) + proof + signatureLength(guardians.keys),
    result: jsonLength(result) + units + Math.max(0, districts.length - 1) + signatureLength([manifest.authority]),
  };
}

/** The newline after the text, the empty line, and the signature line of the longest name. */
function signatureLength(signers: readonly Key[]): number {
  const longest = Math.max(...signers.map(({ name }) => new TextEncoder().encode(name).length));
  return '\n\n'.length + 3 + ' '.length + longest + ' '.length + 92 + '\n'.length;
}
