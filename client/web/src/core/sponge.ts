// The SHAKE128 duplex sponge of draft-irtf-cfrg-fiat-shamir (docs/spec 2.2).
import { shake128 } from '@noble/hashes/sha3.js';
import type { Bytes } from './bytes.ts';

/** Bytes that SHAKE128 absorbs at a time. */
const RATE = 168;
const SESSION_ID_LENGTH = 32;

type Keccak = ReturnType<typeof shake128.create>;

/**
 * Absorbs and squeezes byte strings; every squeeze depends on all that was absorbed before it. Squeezes in a row
 * continue one stream, a non-empty absorb begins a new one.
 */
export class DuplexSponge {
  readonly #absorbed: Keccak;
  #stream: Keccak | null = null;

  constructor(sessionId: Bytes) {
    if (sessionId.length !== SESSION_ID_LENGTH) throw new RangeError(`a session id of ${sessionId.length} bytes`);
    const firstBlock = new Uint8Array(RATE);
    firstBlock.set(sessionId);
    this.#absorbed = shake128.create().update(firstBlock);
  }

  absorb(message: Bytes): this {
    if (message.length === 0) return this;
    this.#absorbed.update(message);
    this.#stream = null;
    return this;
  }

  squeeze(length: number): Bytes {
    this.#stream ??= this.#absorbed.clone();
    return this.#stream.xof(length);
  }
}
