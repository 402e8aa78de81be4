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

/** Milliseconds that a board has: for the next bytes of an answer, and for all of it but what the limit adds. */
export interface Patience {
  readonly silence: number;
  readonly whole: number;
}

const PATIENCE: Patience = { silence: 30_000, whole: 60_000 };
/** Bytes a millisecond that the longest file allowed must come at; a shorter one has more time than it needs. */
const SLOWEST = 65.536;
const FIRST_PART = 16_384;

/** A board at a URL prefix. */
export class HttpBoard implements BoardSource {
  readonly location: string;
  readonly #patience: Patience;

  constructor(url: string, patience: Patience = PATIENCE) {
    this.location = url.replace(/\/+$/u, '');
    this.#patience = patience;
  }

  async read(path: string, limit: number): Promise<Bytes | null> {
    const clock = new Clock(this.#patience, limit);
    try {
      const answer = await fetch(`${this.location}/${path}`, {
        // A checkpoint must be the newest one. A board that answers "elsewhere" has not answered.
        cache: path.startsWith('tile/') ? 'default' : 'no-store',
        redirect: 'error',
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        signal: clock.signal,
      });
      if (answer.status === 404) return null;
      if (answer.status !== 200) throw new Unreachable(`${path}: the board answers with status ${answer.status}`);
      return await readBody(answer, path, limit, clock);
    } catch (error) {
      if (error instanceof Unreachable || error instanceof TooLong) throw error;
      const late = clock.signal.aborted ? ' in time' : '';
      throw new Unreachable(`${path}: ${this.location} does not answer${late}`);
    } finally {
      clock.stop();
    }
  }
}

/** Ends a request whose bytes stay away for too long, or trickle in for ever. */
class Clock {
  readonly #end = new AbortController();
  readonly #silence: number;
  readonly #whole: ReturnType<typeof setTimeout>;
  #next: ReturnType<typeof setTimeout>;

  constructor({ silence, whole }: Patience, limit: number) {
    this.#silence = silence;
    this.#whole = setTimeout(() => this.#end.abort(), whole + limit / SLOWEST);
    this.#next = setTimeout(() => this.#end.abort(), silence);
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Some bytes have come. */
  heard(): void {
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.#end.abort(), this.#silence);
  }

  /** Lets go of an answer that is not worth reading to its end. */
  end(): void {
    this.#end.abort();
  }

  stop(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#next);
  }
}

/** A body of at most `limit` bytes; of a longer one no more than that is taken. */
async function readBody(answer: Response, path: string, limit: number, clock: Clock): Promise<Bytes> {
  const reader = answer.body?.getReader();
  let taken = new Uint8Array(FIRST_PART);
  let length = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    clock.heard();
    if (length + value.length > limit) {
      clock.end();
      throw new TooLong(`${path} is longer than ${limit} bytes`);
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
