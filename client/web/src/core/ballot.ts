// A voter's ballot (docs/spec 6): encrypted from a seed, shown by its opening or proved by its caster, and verified.
//
// See group.ts on time and secrets: nonces, bits and the credential's secret go through BigInt arithmetic here.
import { shake256 } from '@noble/hashes/sha3.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { concat, equal, fromBase64url, fromUtf8, le, sha256, toBase64url, utf8, type Bytes } from './bytes.ts';
import { formatCanonical, parseCanonical, type Json } from './canonical.ts';
import { trackingCode } from './codes.ts';
import {
  choiceBits,
  choiceFault,
  contestWeights,
  styleOf,
  type BallotManifest,
  type ContestLimits,
} from './contests.ts';
import { Malformed, readOr } from './errors.ts';
import {
  add,
  BASE,
  decodePoint,
  encodePoint,
  IDENTITY,
  multiply,
  multiplyBase,
  ORDER,
  wideScalar,
  type Point,
} from './group.ts';
import { isSound, type Row } from './linearRelation.ts';
import { BALLOT, ballotRelation, ballotTag } from './relations.ts';
import { prove, readProof, verifyTranscripts, type Transcript } from './sigma.ts';

/** One integer per option, contest by contest in the style's order. */
export type Choices = readonly (readonly number[])[];

/** Steps of the work done so far, and how many there are. */
export type OnProgress = (done: number, of: number) => void;

const SEED_LENGTH = 32;

export interface BallotRequest {
  readonly electionId: Bytes;
  /** K. */
  readonly jointKey: Bytes;
  readonly manifest: BallotManifest;
  /** The id of the credential's style. */
  readonly style: string;
  /** C. */
  readonly credential: Bytes;
  /** H(body) of this credential's last accepted ballot, or 32 zero bytes. */
  readonly previous: Bytes;
  readonly choices: Choices;
  /** Left out, it comes from the operating system, as it must but when an opening is checked. */
  readonly seed?: Bytes;
}

/** An encrypted ballot with everything secret about it: plain data, which a worker can be sent. */
export interface Encrypted {
  readonly electionId: Bytes;
  readonly jointKey: Bytes;
  readonly credential: Bytes;
  readonly contests: readonly ContestLimits[];
  readonly choices: Choices;
  readonly seed: Bytes;
  readonly bits: readonly number[];
  readonly nonces: readonly bigint[];
  /** A_1 ‖ B_1 ‖ A_2 … */
  readonly ciphertexts: Bytes;
  readonly body: Bytes;
  readonly bodyHash: Bytes;
  readonly trackingCode: string;
}

/** 6.2 to 6.4. RangeError for a style or choices that the manifest does not have, or a given seed that 6.3 forbids. */
export function encryptBallot(request: BallotRequest, onProgress?: OnProgress): Encrypted {
  const { electionId, jointKey, manifest, credential, previous, choices } = request;
  const style = styleOf(manifest, request.style);
  if (style === undefined) throw new RangeError(`the manifest has no style ${request.style}`);
  if (previous.length !== 32 || electionId.length !== 32) throw new RangeError('a hash that has not 32 bytes');
  const { contests } = style;
  if (choices.length !== contests.length)
    throw new RangeError(`${choices.length} choices, ${contests.length} contests`);
  const bits = contests.flatMap((contest, at) => choiceBits(contest, choices[at] as readonly number[]));
  const derive = (seed: Bytes): bigint[] | null => {
    const prefix = concat(utf8('RETALLY-V01-nonce'), seed, electionId, credential, previous, le(style.index, 4));
    return noncesOf(prefix, contests);
  };
  let seed = request.seed ?? randomBytes(SEED_LENGTH);
  if (seed.length !== SEED_LENGTH) throw new RangeError(`a seed of ${seed.length} bytes`);
  let nonces = derive(seed);
  while (nonces === null) {
    if (request.seed !== undefined) throw new RangeError('a seed that no ballot may have');
    seed = randomBytes(SEED_LENGTH);
    nonces = derive(seed);
  }
  const ciphertexts = encryptBits(bits, nonces, fixedBase(jointKey), onProgress);
  const body = formatCanonical({
    ciphertexts: toBase64url(ciphertexts),
    credential: toBase64url(credential),
    election: toBase64url(electionId),
    kind: 'ballot',
    previous: toBase64url(previous),
    style: request.style,
  });
  const bodyHash = sha256(body);
  const code = trackingCode(bodyHash);
  return {
    electionId,
    jointKey,
    credential,
    contests,
    choices,
    seed,
    bits,
    nonces,
    ciphertexts,
    body,
    bodyHash,
    trackingCode: code,
  };
}

/** r_1, r_2, …; null if the seed has to be drawn again (6.3). */
function noncesOf(prefix: Bytes, contests: readonly ContestLimits[]): bigint[] | null {
  const nonces: bigint[] = [];
  for (const [number, contest] of contests.entries()) {
    const weights = contestWeights(contest);
    const own = weights.map((_, bit) => wideScalar(shake256(concat(prefix, le(number, 4), le(bit, 4)), { dkLen: 64 })));
    // The image of the contest's last equation is (Σ w·r)·K.
    const sum = own.reduce((total, nonce, bit) => total + nonce * BigInt(weights[bit] as number), 0n);
    if (own.includes(0n) || (contest.limit === 'total' && sum % ORDER === 0n)) return null;
    nonces.push(...own);
  }
  return nonces;
}

function encryptBits(bits: readonly number[], nonces: readonly bigint[], key: Point, onProgress?: OnProgress): Bytes {
  const points: Bytes[] = [];
  bits.forEach((bit, at) => {
    const nonce = nonces[at] as bigint;
    points.push(encodePoint(multiplyBase(nonce)));
    points.push(encodePoint(add(multiply(key, nonce), bit === 1 ? BASE : IDENTITY)));
    onProgress?.(at + 1, bits.length);
  });
  return concat(...points);
}

/** The last key is kept with its table of multiples. */
let lastKey: { readonly encoding: Bytes; readonly point: Point } | null = null;

function fixedBase(encoding: Bytes): Point {
  if (lastKey === null || !equal(lastKey.encoding, encoding)) {
    const point = decodePoint(encoding);
    point.precompute(6);
    lastKey = { encoding: encoding.slice(), point };
  }
  return lastKey.point;
}

/** The entry with its proof, ready for the board. RangeError if `secret` is not the credential's. */
export function proveBallot(
  ballot: Encrypted,
  secret: bigint,
  options: { readonly nonces?: readonly bigint[]; readonly onProgress?: OnProgress } = {},
): Bytes {
  const { electionId, jointKey, credential, ciphertexts, contests, bits, nonces: r } = ballot;
  const key = { point: fixedBase(jointKey), encoding: jointKey };
  const relation = ballotRelation(key, credential, ciphertexts, contests);
  const b = bits.map(BigInt);
  const s = b.map((bit, at) => ((1n - bit) * (r[at] as bigint)) % ORDER);
  const witness = [secret, ...b.flatMap((bit, at) => [bit, r[at] as bigint, s[at] as bigint])];
  const known = new Map<number, Row>();
  b.forEach((bit, at) => {
    const nonce = r[at] as bigint;
    known.set(BALLOT.a(at), [{ element: BALLOT.generator, coefficient: nonce }]);
    known.set(BALLOT.b(at), [
      { element: BALLOT.generator, coefficient: bit },
      { element: BALLOT.jointKey, coefficient: nonce },
    ]);
  });
  const proof = prove(ballotTag(electionId, ballot.bodyHash), relation, witness, { ...options, known });
  const body = parseCanonical(ballot.body) as { readonly [name: string]: Json };
  return formatCanonical({ ...body, proof: toBase64url(proof) });
}

/** What a device reveals about a ballot that it will never prove (6.8). */
export interface Opening {
  readonly body: Bytes;
  readonly choices: Choices;
  readonly seed: Bytes;
}

export function openingText({ body, choices, seed }: Opening): string {
  return fromUtf8(
    formatCanonical({ ballot: toBase64url(body), choices, kind: 'retally-opening', seed: toBase64url(seed) }),
  );
}

/** Malformed for a text that `openingText` would not have written. */
export function parseOpening(text: string): Opening {
  const value = parseCanonical(utf8(text));
  const members = membersOf(value, ['ballot', 'choices', 'kind', 'seed']);
  const { ballot, choices, kind, seed } = members ?? {};
  if (kind !== 'retally-opening' || typeof ballot !== 'string' || typeof seed !== 'string' || !isChoices(choices)) {
    throw new Malformed('not the opening of a ballot');
  }
  const opening = { body: fromBase64url(ballot), choices, seed: fromBase64url(seed) };
  if (opening.seed.length !== SEED_LENGTH) throw new Malformed(`a seed of ${opening.seed.length} bytes`);
  return opening;
}

const isChoices = (value: Json | undefined): value is Choices =>
  Array.isArray(value) &&
  value.every((values: Json) => Array.isArray(values) && values.every((one: Json) => typeof one === 'number'));

function membersOf(value: Json, names: readonly string[]): { readonly [name: string]: Json } | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const found = Object.keys(value).sort();
  const same = found.length === names.length && found.every((name, at) => name === names[at]);
  return same ? (value as { readonly [name: string]: Json }) : null;
}

/** What a ballot body says, without its ciphertexts. */
interface BodyMembers {
  readonly election: Bytes;
  readonly style: string;
  readonly credential: Bytes;
  readonly previous: Bytes;
}

function readBody(body: Bytes): BodyMembers | null {
  const names = ['ciphertexts', 'credential', 'election', 'kind', 'previous', 'style'];
  const parse = (): BodyMembers | null => {
    const { credential, election, kind, previous, style } = membersOf(parseCanonical(body), names) ?? {};
    if (kind !== 'ballot' || typeof style !== 'string') return null;
    if (typeof credential !== 'string' || typeof election !== 'string' || typeof previous !== 'string') return null;
    const read = {
      election: fromBase64url(election),
      style,
      credential: fromBase64url(credential),
      previous: fromBase64url(previous),
    };
    decodePoint(read.credential);
    return read.previous.length === 32 ? read : null;
  };
  return readOr(parse, () => null);
}

/** Why an opening does not show the ballot it claims to. */
export type OpeningFault =
  'not a ballot' | 'another election' | 'unknown style' | 'impossible choices' | 'other ciphertexts';

/** 6.8: recomputes the ballot from seed and choices. The tracking code to compare is that of `body`. */
export function openBallot(
  body: Bytes,
  seed: Bytes,
  choices: Choices,
  manifest: BallotManifest,
  electionId: Bytes,
  jointKey: Bytes,
): 'agrees' | OpeningFault {
  const said = readBody(body);
  if (said === null || seed.length !== SEED_LENGTH) return 'not a ballot';
  if (!equal(said.election, electionId)) return 'another election';
  const style = styleOf(manifest, said.style);
  if (style === undefined) return 'unknown style';
  const possible =
    choices.length === style.contests.length &&
    style.contests.every((contest, at) => choiceFault(contest, choices[at] as readonly number[]) === null);
  if (!possible) return 'impossible choices';
  try {
    const again = encryptBallot({ electionId, jointKey, manifest, ...said, choices, seed });
    return equal(again.body, body) ? 'agrees' : 'other ciphertexts';
  } catch (error) {
    if (error instanceof RangeError) return 'other ciphertexts';
    throw error;
  }
}

/** A ballot entry as far as its proof is concerned. */
export interface BallotProof {
  readonly contests: readonly ContestLimits[];
  readonly credential: Bytes;
  readonly bodyHash: Bytes;
  readonly ciphertexts: Bytes;
  readonly proof: Bytes;
}

/** `encoding`: a length, point or scalar is wrong (V09). `proof`: the proof does not verify (V10). */
export type BallotRuling = 'proved' | 'encoding' | 'proof';

/** Every ballot by itself, verified together. */
export function ruleBallots(
  election: { readonly electionId: Bytes; readonly jointKey: Bytes },
  ballots: readonly BallotProof[],
): BallotRuling[] {
  const key = { point: fixedBase(election.jointKey), encoding: election.jointKey };
  const transcripts: (Transcript<Point> | null)[] = [];
  const rulings = ballots.map((ballot): BallotRuling => {
    try {
      const relation = ballotRelation(key, ballot.credential, ballot.ciphertexts, ballot.contests);
      const tag = ballotTag(election.electionId, ballot.bodyHash);
      const transcript = readProof({ tag, relation, proof: ballot.proof });
      transcripts.push(isSound(relation) ? transcript : null);
      return 'proved';
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      transcripts.push(null);
      return 'encoding';
    }
  });
  for (const at of verifyTranscripts(transcripts)) if (rulings[at] === 'proved') rulings[at] = 'proof';
  return rulings;
}

/** The positions of the ballots that are not well encoded or whose proofs do not verify, ascending. */
export function verifyBallots(
  election: { readonly electionId: Bytes; readonly jointKey: Bytes },
  ballots: readonly BallotProof[],
): number[] {
  return ruleBallots(election, ballots).flatMap((ruling, at) => (ruling === 'proved' ? [] : [at]));
}
