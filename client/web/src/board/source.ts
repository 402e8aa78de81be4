// Where a board's files come from: over HTTP, out of a chosen folder, or from memory (docs/spec 3.1, 8.2).
import type { Bytes } from '../core/bytes.ts';

/** The board does not answer, answers in another way or breaks off: nothing could be verified, and nothing is wrong. */
export class Unreachable extends Error {
  override readonly name: string = 'Unreachable';
}

/** A file that is longer than any right one: the board's fault. */
export class TooLong extends Error {
  override readonly name: string = 'TooLong';
}

export interface BoardSource {
  /** For people: a URL, or a folder's name. */
  readonly location: string;
  /** The file, or null where the board says that it is not there. Throws Unreachable, TooLong. */
  read(path: string, limit: number): Promise<Bytes | null>;
}

/** A board at a URL prefix. */
export class HttpBoard implements BoardSource {
  readonly location: string;

  constructor(url: string) {
    this.location = url.replace(/\/+$/u, '');
  }

  async read(path: string, limit: number): Promise<Bytes | null> {
    try {
      // The newest checkpoint must not come out of a cache. A board that answers "elsewhere" has not answered.
      const cache = path.startsWith('tile/') ? 'default' : 'no-cache';
      const answer = await fetch(`${this.location}/${path}`, { redirect: 'error', credentials: 'omit', cache });
      if (answer.status === 404) return null;
      if (answer.status !== 200) throw new Unreachable(`${path}: the board answers with status ${answer.status}`);
      return await readBody(answer, path, limit);
    } catch (error) {
      if (error instanceof Unreachable || error instanceof TooLong) throw error;
      throw new Unreachable(`${path}: ${this.location} does not answer`);
    }
  }
}

/** A body of at most `limit` bytes; of a longer one no more than that is taken. */
async function readBody(answer: Response, path: string, limit: number): Promise<Bytes> {
  const reader = answer.body?.getReader();
  const parts: Bytes[] = [];
  let length = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw new TooLong(`${path} is longer than ${limit} bytes`);
    }
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A board whose files are in memory, by path. */
export class MemoryBoard implements BoardSource {
  constructor(
    readonly files: ReadonlyMap<string, Bytes>,
    readonly location: string = 'memory',
  ) {}

  async read(path: string, limit: number): Promise<Bytes | null> {
    const file = this.files.get(path);
    if (file !== undefined && file.length > limit) throw new TooLong(`${path} is longer than ${limit} bytes`);
    return file ?? null;
  }
}

/** A board in a folder that a person chose; paths are relative to the board. */
export class FilesBoard implements BoardSource {
  readonly #files: ReadonlyMap<string, File>;

  constructor(
    files: readonly { readonly path: string; readonly file: File }[],
    readonly location: string,
  ) {
    this.#files = new Map(files.map(({ path, file }) => [path, file]));
  }

  async read(path: string, limit: number): Promise<Bytes | null> {
    const file = this.#files.get(path);
    if (file === undefined) return null;
    if (file.size > limit) throw new TooLong(`${path} is longer than ${limit} bytes`);
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      throw new Unreachable(`${path} of the folder could not be read`);
    }
  }
}
