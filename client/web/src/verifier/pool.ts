// Who does the heavy arithmetic of a verification: worker threads behind message ports, or the calling thread in slices
// (docs/spec 8.1 V10, 7.3).
import { concat, type Bytes } from '../core/bytes.ts';
import { eventLoop } from '../core/eventLoop.ts';
import type { Port } from './ports.ts';
import type { Answer, Election, ProofRuling, ProvenBallot, Task } from './tasks.ts';
import { ProofTasks } from './v10BallotProofs.ts';

/** What the fold asks for. Nothing is decided here that depends on earlier ballots. */
export interface Pool {
  /** How many ballots are worth having in hand at once. */
  readonly mostInHand: number;
  /** Fixes election id, joint key and manifest for all proofs that follow. */
  begin(election: Election): void;
  /** The encodings (V09) and proofs (V10) of ballots, each by itself. */
  rule(ballots: readonly ProvenBallot[]): Promise<readonly ProofRuling[]>;
  /** The sums of well-encoded points, column by column: rows of equal length, 32 bytes a column. Identity is zeros. */
  sumColumns(rows: readonly Bytes[]): Promise<Bytes>;
  close(): void;
}

/**
 * Ballots in one task, as measured (benchmarks/BROWSER.md): below the smallest, a batch loses what it is for; above the
 * largest, it wins nothing that would be worth less frequent progress.
 */
const LARGEST_BATCH = 128;
const SMALLEST_BATCH = 32;
/** Points in one task of sums, and in one slice of the calling thread's. */
const POINTS = 8192;
const POINTS_IN_SLICE = 256;
/** Milliseconds that the calling thread may answer nobody; slices begin small and grow as long as they take less. */
const PATIENCE = 30;
const FIRST_SLICE = 2;

/** For where no worker can be made: slices of ballots with the event loop's turn between them, so that a page stays alive. */
export class CallingThread implements Pool {
  readonly mostInHand = SMALLEST_BATCH;
  readonly #tasks: ProofTasks;
  readonly #patience: number;
  #slice: number;

  /** `patience`: milliseconds in a slice. Larger batches are faster, and a page answers nothing meanwhile. */
  constructor(tasks: ProofTasks = new ProofTasks(), patience = PATIENCE) {
    this.#tasks = tasks;
    this.#patience = patience;
    this.#slice = patience === Infinity ? LARGEST_BATCH : FIRST_SLICE;
  }

  begin(election: Election): void {
    this.#tasks.begin(election);
  }

  async rule(ballots: readonly ProvenBallot[]): Promise<readonly ProofRuling[]> {
    const rulings: ProofRuling[] = [];
    for (let at = 0; at < ballots.length;) {
      const some = ballots.slice(at, at + this.#slice);
      const begun = performance.now();
      rulings.push(...this.#tasks.rule(some));
      this.#fit(some.length, performance.now() - begun);
      at += some.length;
      await eventLoop();
    }
    return rulings;
  }

  /** The next slice takes as long as nobody minds, if ballots go on taking what these took. */
  #fit(ballots: number, took: number): void {
    const fitting = Math.floor((ballots * this.#patience) / Math.max(took, 1));
    this.#slice = Math.max(1, Math.min(fitting, 2 * this.#slice, LARGEST_BATCH));
  }

  async sumColumns(rows: readonly Bytes[]): Promise<Bytes> {
    const width = rows[0]?.length ?? 0;
    const sums: Bytes[] = [];
    for (let at = 0; at < width; at += 32) sums.push(await this.#sum(rows.map((row) => row.subarray(at, at + 32))));
    return concat(...sums);
  }

  /** One column: the sums of its slices, and so on until one is left. */
  async #sum(column: readonly Bytes[]): Promise<Bytes> {
    const partial: Bytes[] = [];
    for (let at = 0; at < column.length; at += POINTS_IN_SLICE) {
      partial.push(this.#tasks.sums(concat(...column.slice(at, at + POINTS_IN_SLICE)), 1));
      await eventLoop();
    }
    // A partial sum may be the identity, which is no point to add up.
    const left = partial.filter((sum) => sum.some((byte) => byte !== 0));
    return left.length > 1 ? this.#sum(left) : (left[0] ?? new Uint8Array(32));
  }

  close(): void {
    // Nothing is held.
  }
}

interface Asked {
  readonly done: (answer: Answer) => void;
  readonly failed: (reason: Error) => void;
}

/** Workers, each with one task at a time and the next one as soon as it answers. */
export class WorkerPool implements Pool {
  readonly mostInHand: number;
  readonly #ports: readonly Port[];
  readonly #idle: Port[];
  /** Tasks are packed when a worker takes them, so that what waits costs no second copy. */
  readonly #waiting: { pack: () => Task; asked: Asked }[] = [];
  readonly #running = new Map<Port, Asked>();
  #broken: Error | null = null;

  constructor(ports: readonly Port[]) {
    this.#ports = ports;
    this.#idle = [...ports];
    this.mostInHand = 2 * Math.max(256, SMALLEST_BATCH * ports.length);
    for (const port of ports) {
      port.listen(
        (message) => this.#answered(port, message as Answer),
        (reason) => this.#break(reason),
      );
    }
  }

  begin(election: Election): void {
    for (const port of this.#ports) port.post({ type: 'election', election } satisfies Task, []);
  }

  async rule(ballots: readonly ProvenBallot[]): Promise<readonly ProofRuling[]> {
    const share = Math.ceil(ballots.length / this.#ports.length);
    const width = Math.min(LARGEST_BATCH, Math.max(SMALLEST_BATCH, share));
    const answers: Promise<readonly ProofRuling[]>[] = [];
    for (let at = 0; at < ballots.length; at += width) answers.push(this.#prove(ballots.slice(at, at + width)));
    return (await Promise.all(answers)).flat();
  }

  async #prove(ballots: readonly ProvenBallot[]): Promise<readonly ProofRuling[]> {
    const pack = (): Task => ({
      type: 'proofs',
      styles: ballots.map(({ style }) => style),
      packed: concat(...ballots.flatMap((one) => [one.credential, one.bodyHash, one.ciphertexts, one.proof])),
    });
    const answer = await this.#do(pack);
    if (!('proofs' in answer)) throw new Error('a worker answered another question');
    return answer.proofs;
  }

  async sumColumns(rows: readonly Bytes[]): Promise<Bytes> {
    const slices = slicesOf(rows);
    const answers = await Promise.all(slices.map((place) => this.#do(() => ({ type: 'sums', ...slice(rows, place) }))));
    return concat(
      ...answers.map((answer) => {
        if (!('sums' in answer)) throw new Error('a worker answered another question');
        return answer.sums;
      }),
    );
  }

  close(): void {
    this.#break(new Error('the workers were closed'));
    for (const port of this.#ports) port.close();
  }

  #do(pack: () => Task): Promise<Answer> {
    return new Promise((done, failed) => {
      if (this.#broken !== null) return failed(this.#broken);
      this.#waiting.push({ pack, asked: { done, failed } });
      this.#next();
    });
  }

  #next(): void {
    while (this.#broken === null && this.#idle.length > 0 && this.#waiting.length > 0) {
      const port = this.#idle.pop() as Port;
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      const task = waiting.pack();
      this.#running.set(port, waiting.asked);
      port.post(task, 'packed' in task ? [task.packed.buffer as ArrayBuffer] : []);
    }
  }

  #answered(port: Port, answer: Answer): void {
    const running = this.#running.get(port);
    this.#running.delete(port);
    this.#idle.push(port);
    if ('error' in answer) {
      const reason = new Error(`a worker failed: ${answer.error}`);
      running?.failed(reason);
      return this.#break(reason);
    }
    running?.done(answer);
    this.#next();
  }

  /** A worker that died answers nothing more: the verification could not run, which is no verdict. */
  #break(reason: Error): void {
    this.#broken ??= reason;
    for (const { failed } of [...this.#running.values(), ...this.#waiting.map(({ asked }) => asked)])
      failed(this.#broken);
    this.#running.clear();
    this.#waiting.length = 0;
  }
}

/** The other end of a port: does one task after the other. */
export function serveTasks(port: Port, tasks: ProofTasks = new ProofTasks()): void {
  port.listen(
    (message) => {
      const task = message as Task;
      if (task.type === 'election') return tasks.begin(task.election);
      try {
        if (task.type === 'proofs') {
          port.post({ proofs: tasks.rule(tasks.unpack(task.styles, task.packed)) } satisfies Answer, []);
        } else {
          const sums = tasks.sums(task.packed, task.columns);
          port.post({ sums } satisfies Answer, [sums.buffer as ArrayBuffer]);
        }
      } catch (error) {
        port.post({ error: String(error) } satisfies Answer, []);
      }
    },
    () => port.close(),
  );
}

/** Where vertical slices of the rows begin and end, each of about POINTS points. */
function slicesOf(rows: readonly Bytes[]): { from: number; to: number }[] {
  const width = rows[0]?.length ?? 0;
  const step = 32 * Math.max(1, Math.floor(POINTS / Math.max(1, rows.length)));
  return Array.from({ length: Math.ceil(width / step) }, (_, at) => ({
    from: at * step,
    to: Math.min((at + 1) * step, width),
  }));
}

/** One slice, row by row in a buffer of its own. */
function slice(rows: readonly Bytes[], { from, to }: { from: number; to: number }): { packed: Bytes; columns: number } {
  const width = to - from;
  const packed = new Uint8Array(width * rows.length);
  rows.forEach((row, at) => packed.set(row.subarray(from, to), at * width));
  return { packed, columns: width / 32 };
}
