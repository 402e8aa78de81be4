// Entries of a board (docs/spec 3.2, page 4): from bytes to one type for each kind, in the strict form. What only a
// manifest can decide about them is V09 of the verifier.
import { equal, sha256, type Bytes } from '../core/bytes.ts';
import { formatCanonical, parseCanonical, type Json } from '../core/canonical.ts';
import { Malformed } from '../core/errors.ts';
import { LONGEST_ENTRY } from '../core/limits.ts';
import {
  binary,
  blob,
  boolean,
  identifier,
  integer,
  many,
  membersOf,
  oneOf,
  pieces,
  record,
  string,
  text,
  type Form,
} from './forms.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { SIGNATURE, formatNote, isOf, parseNote, verifyEd25519, type Key, type Note } from './notes.ts';

const NEWLINE = 0x0a;

const number = integer(1, 2 ** 32 - 1);
const hash = binary(32);
const kind = oneOf;
const districts = many(identifier);

/** 4.2 to 4.5. */
const FORMS = {
  'guardian-commitment': record({
    kind: kind('guardian-commitment'),
    election: hash,
    guardian: number,
    commitments: pieces(1),
    encryption_key: hash,
    proof: pieces(1),
  }),
  'guardian-shares': record({
    kind: kind('guardian-shares'),
    election: hash,
    guardian: number,
    shares: many(record({ guardian: number, ciphertext: binary(80) }), 0, 31),
  }),
  'guardian-complaint': record({
    kind: kind('guardian-complaint'),
    election: hash,
    guardian: number,
    against: number,
  }),
  'guardian-answer': record({
    kind: kind('guardian-answer'),
    election: hash,
    guardian: number,
    complainant: number,
    share: hash,
  }),
  'guardian-confirmation': record({
    kind: kind('guardian-confirmation'),
    election: hash,
    guardian: number,
    ceremony: hash,
  }),
  'roll-commitment': record({
    kind: kind('roll-commitment'),
    election: hash,
    registrar: number,
    credentials: integer(1),
    commitment: hash,
  }),
  roll: record({
    kind: kind('roll'),
    election: hash,
    registrar: number,
    first: integer(),
    commitments: hash,
    parts: pieces(1),
    styles: many(integer(), 1, 1000),
  }),
  'roll-revocation': record({ kind: kind('roll-revocation'), election: hash, credential: hash, reason: text }),
  'roll-replacement': record({
    kind: kind('roll-replacement'),
    election: hash,
    credential: hash,
    parts: pieces(1),
    proofs: pieces(1),
    reason: text,
  }),
  opening: record({ kind: kind('opening'), election: hash, key: hash, credentials: integer(), roll: hash }),
  closing: record({ kind: kind('closing'), election: hash, ballots: integer() }),
  'paper-count': record({
    kind: kind('paper-count'),
    election: hash,
    district: identifier,
    contest: identifier,
    stations: many(record({ id: identifier, invalid: integer(), votes: many(integer(), 1, 256) }), 1, 500),
    late: boolean,
  }),
  'partial-decryption': record({
    kind: kind('partial-decryption'),
    election: hash,
    guardian: number,
    size: integer(),
    root: hash,
    units: many(districts),
    aggregates: hash,
    points: pieces(0),
    proof: pieces(1),
  }),
  result: record({
    kind: kind('result'),
    election: hash,
    credentials: integer(),
    voted: integer(),
    accepted: integer(),
    superseded: integer(),
    counted: integer(),
    refused: integer(),
    units: many(
      record({
        districts,
        state: oneOf('reported', 'empty', 'withheld'),
        counted: integer(),
        contests: many(record({ contest: identifier, counts: many(integer()) })),
      }),
    ),
    combined: hash,
  }),
} as const;

type Forms = typeof FORMS;
export type OfficialKind = keyof Forms | 'manifest';

/** The content of an entry of a kind. */
export type EntryOf<K extends OfficialKind> = K extends keyof Forms ? ReturnType<Forms[K]> : Manifest;

export type OfficialContent = { [K in OfficialKind]: EntryOf<K> }[OfficialKind];

/** An official's entry: what it says, the text that is signed, and its signature lines. */
export interface OfficialEntry extends Note {
  readonly content: OfficialContent;
}

/** Reads an official's entry; signatures are looked at by `wrongSignatures`. Throws Malformed. */
export function parseOfficialEntry(raw: Bytes): OfficialEntry {
  if (raw.length > LONGEST_ENTRY) throw new Malformed(`an entry of ${raw.length} bytes`);
  const note = parseNote(raw);
  if (!equal(formatNote(note), raw)) throw new Malformed('an entry that does not read back to its own bytes');
  if (note.text.indexOf(NEWLINE) !== note.text.length - 1) {
    throw new Malformed("an official's entry of more than one line");
  }
  return { ...note, content: contentOf(parseCanonical(note.text.subarray(0, -1))) };
}

function contentOf(value: Json): OfficialContent {
  const name = membersOf(value)?.kind;
  if (typeof name !== 'string') throw new Malformed('an entry without a kind');
  if (name === 'manifest') return parseManifest(value);
  if (!Object.hasOwn(FORMS, name))
    throw new Malformed(`an entry of the unknown kind ${JSON.stringify(name.slice(0, 40))}`);
  return (FORMS[name as keyof Forms] as Form<OfficialContent>)(value, name);
}

/** Whose signature lines an entry has, in this order (page 4). */
function signersOf(content: OfficialContent, manifest: Manifest): readonly (Key | undefined)[] {
  if (content.kind === 'roll-revocation' || content.kind === 'roll-replacement') return manifest.registrars;
  if ('guardian' in content) return [manifest.guardians.keys[content.guardian - 1]];
  if ('registrar' in content) return [manifest.registrars[content.registrar - 1]];
  return [manifest.authority];
}

/** Why the signature lines are not those that the kind demands, in that order and no other; null if they are (V04). */
export function wrongSignatures({ content, text: signed, lines }: OfficialEntry, manifest: Manifest): string | null {
  const keys = signersOf(content, manifest);
  const right =
    lines.length === keys.length && lines.every((line, at) => keys[at] !== undefined && isOf(line, keys[at]));
  if (!right) {
    return `the ${content.kind} is signed by ${lines
      .map(({ name }) => name)
      .join(', ')
      .slice(0, 200)}`;
  }
  const wrong = keys.find(
    (one, at) =>
      one === undefined ||
      one.type !== SIGNATURE ||
      !verifyEd25519(one.publicKey, signed, lines[at]?.signature ?? signed),
  );
  return wrong === undefined ? null : `the signature of ${wrong.name} is wrong`;
}

const BALLOT = record({
  kind: kind('ballot'),
  election: hash,
  credential: hash,
  style: string,
  previous: hash,
  ciphertexts: blob,
  proof: blob,
});

/** A ballot entry; its lengths are its style's, which a manifest says. */
export interface Ballot extends ReturnType<typeof BALLOT> {
  /** The canonical JSON of the entry without its proof (6.4), and its hash. */
  readonly body: Bytes;
  readonly bodyHash: Bytes;
}

/** Throws Malformed. */
export function parseBallot(raw: Bytes): Ballot {
  const value = parseCanonical(raw);
  const ballot = BALLOT(value, 'ballot');
  const { proof, ...rest } = membersOf(value) ?? {};
  if (proof === undefined) throw new Malformed('a ballot without its proof');
  const body = formatCanonical(rest);
  return { ...ballot, body, bodyHash: sha256(body) };
}

export type Entry = ({ readonly entry: 'ballot' } & Ballot) | ({ readonly entry: 'official' } & OfficialEntry);

/** 8.3: an entry without a newline byte is of kind ballot, whatever else is wrong with it, and no other is. */
export function isBallot(raw: Bytes): boolean {
  return !raw.includes(NEWLINE);
}

/** A ballot's entry or an official's. Throws Malformed. */
export function parseEntry(raw: Bytes): Entry {
  return isBallot(raw) ? { entry: 'ballot', ...parseBallot(raw) } : { entry: 'official', ...parseOfficialEntry(raw) };
}
