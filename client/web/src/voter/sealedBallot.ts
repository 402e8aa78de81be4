// An encrypted ballot whose voter has seen its tracking code and has not chosen yet: it gives out its opening or its proof,
// one of the two, once (docs/spec 6.8). A tested ballot never gets a proof, a cast one is never opened.
import { fromBase64url, sha256, toBase64url, utf8, fromUtf8, type Bytes } from '../core/bytes.ts';
import {
  encryptBallot,
  openBallot,
  openingText,
  parseOpening,
  proveBallot,
  type BallotRequest,
  type Choices,
  type Encrypted,
  type OnProgress,
  type OpeningFault,
} from '../core/ballot.ts';
import { formatCanonical, parseCanonical, type Json } from '../core/canonical.ts';
import { parseTrackingCode, trackingCode } from '../core/codes.ts';
import type { BallotManifest } from '../core/contests.ts';
import { Malformed } from '../core/errors.ts';

/** What a test reveals: the file of 6.8, and its short form for a link. */
export interface Test {
  readonly opening: string;
  readonly short: string;
}

/** It was tested or cast already. */
export class Spent extends Error {
  override readonly name = 'Spent';
}

export class SealedBallot {
  readonly trackingCode: string;
  readonly bodyHash: Bytes;
  #encrypted: Encrypted | null;
  readonly #request: BallotRequest;

  /** Encrypts (6.3). RangeError for choices that the ballot does not allow. */
  constructor(request: BallotRequest, onProgress?: OnProgress) {
    this.#encrypted = encryptBallot(request, onProgress);
    this.#request = request;
    this.trackingCode = this.#encrypted.trackingCode;
    this.bodyHash = this.#encrypted.bodyHash;
  }

  /** The opening. Throws Spent. */
  test(): Test {
    const encrypted = this.#take();
    const { style, previous } = this.#request;
    const { credential, choices, seed } = encrypted;
    return {
      opening: openingText(encrypted),
      short: fromUtf8(
        formatCanonical({
          choices,
          code: encrypted.trackingCode,
          credential: toBase64url(credential),
          kind: SHORT,
          previous: toBase64url(previous),
          seed: toBase64url(seed),
          style,
        }),
      ),
    };
  }

  /** The entry with its proof. Throws Spent; RangeError if `secret` is not this credential's. */
  prove(secret: bigint, onProgress?: OnProgress): Bytes {
    return proveBallot(this.#take(), secret, onProgress === undefined ? {} : { onProgress });
  }

  #take(): Encrypted {
    const encrypted = this.#encrypted;
    if (encrypted === null) throw new Spent('this ballot was tested or cast already: a new one has to be made');
    this.#encrypted = null;
    return encrypted;
  }
}

const SHORT = 'retally-opening-link';

/** A tested ballot, recomputed. */
export interface Opened {
  /** Computed here from seed and choices, never taken from the link. */
  readonly trackingCode: string;
  readonly style: string;
  readonly credential: Bytes;
  readonly choices: Choices;
}

/** The opening does not show the ballot it claims to: the device that made it was not honest, or it was damaged. */
export class WrongOpening extends Error {
  override readonly name = 'WrongOpening';
  constructor(readonly fault: OpeningFault) {
    super(fault);
  }
}

/** Recomputes a tested ballot from either form of its opening (6.8). Throws Malformed or WrongOpening. */
export function openTest(text: string, election: { id: Bytes; jointKey: Bytes; manifest: BallotManifest }): Opened {
  const value = parseCanonical(utf8(text));
  if (isObject(value) && value['kind'] === SHORT) return openShort(value, election);
  const { body, choices, seed } = parseOpening(text);
  const ruling = openBallot(body, seed, choices, election.manifest, election.id, election.jointKey);
  if (ruling !== 'agrees') throw new WrongOpening(ruling);
  const { style, credential } = parseCanonical(body) as { readonly [name: string]: string };
  return {
    trackingCode: trackingCode(sha256(body)),
    style: style as string,
    credential: fromBase64url(credential as string),
    choices,
  };
}

function openShort(
  value: { readonly [name: string]: Json },
  election: { id: Bytes; jointKey: Bytes; manifest: BallotManifest },
): Opened {
  const { choices, code, credential, previous, seed, style } = value;
  const texts = [code, credential, previous, seed, style];
  if (Object.keys(value).length !== 7 || !texts.every((text) => typeof text === 'string') || !isChoices(choices)) {
    throw new Malformed('not the opening of a ballot');
  }
  const raw = [credential, previous, seed].map((text) => fromBase64url(text as string));
  if (raw.some((each) => each.length !== 32)) throw new Malformed('not the opening of a ballot');
  let again: Encrypted;
  try {
    again = encryptBallot({
      electionId: election.id,
      jointKey: election.jointKey,
      manifest: election.manifest,
      style: style as string,
      credential: raw[0] as Bytes,
      previous: raw[1] as Bytes,
      seed: raw[2] as Bytes,
      choices,
    });
  } catch (error) {
    if (error instanceof RangeError) throw new WrongOpening('impossible choices');
    throw error;
  }
  if (again.trackingCode !== canonicalCode(code as string)) throw new WrongOpening('other ciphertexts');
  return { trackingCode: again.trackingCode, style: style as string, credential: again.credential, choices };
}

function canonicalCode(code: string): string | null {
  try {
    return parseTrackingCode(code);
  } catch {
    return null;
  }
}

const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isChoices = (value: Json | undefined): value is Choices =>
  Array.isArray(value) &&
  value.every((values: Json) => Array.isArray(values) && values.every((one: Json) => typeof one === 'number'));
