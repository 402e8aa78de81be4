// Where a board's files come from: over HTTP, out of a chosen folder, or from memory (docs/spec 3.1, 8.2).
import type { Bytes } from '../core/bytes.ts';
import { readAtMost } from '../core/readAtMost.ts';

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
      const body = await readAtMost(answer, limit, () => clock.heard());
      if (body === null) throw new TooLong(`${path} is longer than ${limit} bytes`);
      return body;
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

  stop(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#next);
  }
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
