// The native engine's batch verification, compiled to WebAssembly from crypto/wasm: bytes in, verdicts out.
//
// Not an independent verifier: it is the code of `retally verify`. It is only ever asked where the reader switched it on,
// and whatever it does that it should not is an EngineFault, which ends in the TypeScript verifier's verdict.
import { reasonOf } from '../core/errors.ts';
import { sha256, toHex, type Bytes } from '../core/bytes.ts';

/** The engine is not what it should be, or did not do what it was asked. */
export class EngineFault extends Error {
  override name = 'EngineFault';
}

/** What the module exports; lengths in bytes. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly reserve: (length: number) => number;
  readonly release: (place: number, length: number) => void;
  readonly verify_batch: (...places: number[]) => number;
  readonly sum_columns: (elements: number, length: number, columns: number, sums: number) => number;
}

/** Members of one relation, from contiguous buffers (docs/decisions 1). */
export interface Batch {
  /** The serialised relation without its elements. */
  readonly header: Bytes;
  /** Elements from 1 on that all members have in common. */
  readonly shared: Bytes;
  /** The others, the tags and the proofs, member by member. */
  readonly elements: Bytes;
  readonly tags: Bytes;
  readonly proofs: Bytes;
  readonly count: number;
}

/** What a browser gives of its generator at once. */
const LARGEST_DRAW = 65_536;
const ACCEPTED = 0;
const REJECTED = 1;
const NO_VERDICT = 255;

export class NativeEngine {
  readonly #exports: Exports;

  private constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** Throws EngineFault unless `raw` has this digest (hex) and the browser lets it run. */
  static async load(raw: Bytes, digest: string): Promise<NativeEngine> {
    if (toHex(sha256(raw)) !== digest) throw new EngineFault('the file is not the one this page was built with');
    let exports: Exports | null = null;
    // Weights of batch verification: drawn by the engine when it has read everything they are for.
    const random = (place: number, length: number): void => {
      if (exports === null) throw new EngineFault('randomness before there is memory');
      const wanted = new Uint8Array(exports.memory.buffer, place >>> 0, length >>> 0);
      for (let at = 0; at < wanted.length; at += LARGEST_DRAW)
        crypto.getRandomValues(wanted.subarray(at, at + LARGEST_DRAW));
    };
    try {
      const { instance } = await WebAssembly.instantiate(raw as Uint8Array<ArrayBuffer>, { retally: { random } });
      exports = instance.exports as unknown as Exports;
      return new NativeEngine(exports);
    } catch (error) {
      throw new EngineFault(reasonOf(error));
    }
  }

  /** Whether each member's proof verifies. */
  verifyBatch({ header, shared, elements, tags, proofs, count }: Batch): boolean[] {
    const verdicts = new Uint8Array(count).fill(NO_VERDICT);
    const inputs = [header, shared, elements, tags, proofs];
    this.#call(inputs, verdicts, (places, out) =>
      this.#exports.verify_batch(...inputs.flatMap((input, at) => [places[at] as number, input.length]), count, out),
    );
    return [...verdicts].map((verdict) => {
      if (verdict !== ACCEPTED && verdict !== REJECTED) throw new EngineFault('a member without a verdict');
      return verdict === ACCEPTED;
    });
  }

  /** The sum of each column of well-encoded elements, row by row. */
  sumColumns(elements: Bytes, columns: number): Bytes {
    const sums = new Uint8Array(32 * columns);
    this.#call([elements], sums, ([place], out) =>
      this.#exports.sum_columns(place as number, elements.length, columns, out),
    );
    return sums;
  }

  /** Lays the inputs and the answer's first state into the engine's memory, calls, and takes the answer out again. */
  #call(inputs: readonly Bytes[], answer: Bytes, call: (places: number[], out: number) => number): void {
    const { memory, reserve, release } = this.#exports;
    const pieces = [...inputs, answer];
    try {
      const places = pieces.map(({ length }) => {
        const place = reserve(length) >>> 0;
        if (place === 0) throw new EngineFault('the engine has no memory left');
        return place;
      });
      // Only now: reserving may have moved the memory to another buffer.
      pieces.forEach((piece, at) => new Uint8Array(memory.buffer).set(piece, places[at]));
      const out = places[inputs.length] as number;
      if (call(places, out) !== 0) throw new EngineFault('the engine could not read what it was asked');
      answer.set(new Uint8Array(memory.buffer, out, answer.length));
      pieces.forEach(({ length }, at) => release(places[at] as number, length));
    } catch (error) {
      // A trap leaves the memory in any state: this engine is not asked again.
      throw error instanceof EngineFault ? error : new EngineFault(`the engine stopped: ${String(error)}`);
    }
  }
}
