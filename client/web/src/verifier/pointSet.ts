// A set of encoded points that grows to millions: every A_i of every accepted ballot (docs/spec 8.1, V13).
// Exact, since it compares all 32 bytes, and compact, since a Set of strings would take three times the memory.
import { equal, type Bytes } from '../core/bytes.ts';

const WIDTH = 32;

export class PointSet {
  #points = new Uint8Array(WIDTH * 1024);
  /** 1 + the position in #points, 0 for an empty slot; the length is a power of two. */
  #slots = new Uint32Array(2048);
  #size = 0;
  /** Whoever writes ballots must not be able to choose points that all fall into one slot. */
  readonly #secret = crypto.getRandomValues(new Uint32Array(WIDTH / 4));

  get size(): number {
    return this.#size;
  }

  has(point: Bytes): boolean {
    return this.#slots[this.#slotOf(point)] !== 0;
  }

  add(point: Bytes): void {
    const slot = this.#slotOf(point);
    if (this.#slots[slot] !== 0) return;
    if (WIDTH * (this.#size + 1) > this.#points.length) this.#grow();
    this.#points.set(point, WIDTH * this.#size);
    this.#size += 1;
    this.#slots[this.#slotOf(point)] = this.#size;
  }

  /** The slot that holds the point, or the empty one where it would go. */
  #slotOf(point: Bytes): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(point) & mask;
    for (;;) {
      const place = this.#slots[slot] ?? 0;
      if (place === 0 || equal(this.#at(place - 1), point)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #at(position: number): Bytes {
    return this.#points.subarray(WIDTH * position, WIDTH * (position + 1));
  }

  #hash(point: Bytes): number {
    let hash = 0;
    for (let word = 0; word < this.#secret.length; word += 1) {
      const at = 4 * word;
      const value =
        (point[at] ?? 0) | ((point[at + 1] ?? 0) << 8) | ((point[at + 2] ?? 0) << 16) | ((point[at + 3] ?? 0) << 24);
      hash = Math.imul(hash ^ value ^ (this.#secret[word] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #grow(): void {
    const points = new Uint8Array(2 * this.#points.length);
    points.set(this.#points);
    this.#points = points;
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let position = 0; position < this.#size; position += 1) {
      this.#slots[this.#slotOf(this.#at(position))] = position + 1;
    }
  }
}
