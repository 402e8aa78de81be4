// The body of an HTTP answer from somebody who may send without end.
import type { Bytes } from './bytes.ts';

const FIRST_PIECE = 16_384;

/** The body; null if it has more than `limit` bytes, of which no more are taken. `heard` is told whenever some come. */
export async function readAtMost(
  answer: Response,
  limit: number,
  heard: () => void = () => undefined,
): Promise<Bytes | null> {
  const reader = answer.body?.getReader();
  let taken = new Uint8Array(FIRST_PIECE);
  let length = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    heard();
    if (length + value.length > limit) {
      // Nobody waits for the other end to notice.
      reader.cancel().catch(() => undefined);
      return null;
    }
    if (length + value.length > taken.length) taken = grown(taken, length + value.length);
    taken.set(value, length);
    length += value.length;
  }
  return taken.slice(0, length);
}

/** Twice as long at least, so that bytes that come one by one cost neither time nor memory. */
function grown(taken: Bytes, needed: number): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(Math.max(needed, 2 * taken.length));
  longer.set(taken);
  return longer;
}
