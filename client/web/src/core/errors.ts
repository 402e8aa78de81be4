// What the code says about bytes from outside that are not what docs/spec demands.

/** Bytes or text from outside that are not well formed; the message names what is wrong. */
export class Malformed extends Error {
  override readonly name: string = 'Malformed';
}

/**
 * What `read` returns; where it finds its bytes malformed, what `otherwise` makes of the reason. Whatever else is thrown is
 * a fault of ours, which no reader may hide.
 */
export function readOr<T, U>(read: () => T, otherwise: (reason: string) => U): T | U {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return otherwise(error.message);
    throw error;
  }
}

/** The words of whatever was thrown, for people. Nothing is decided by them. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
