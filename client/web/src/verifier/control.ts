// Pausing, resuming and giving up a verification, and what it says about its progress. No DOM here.

export type Phase = 'checkpoint' | 'entries' | 'counting' | 'decryption';

export interface Progress {
  readonly phase: Phase;
  /** Entries of the board done so far, of how many. */
  readonly done: number;
  readonly of: number;
  /** Ballots whose proofs were verified so far. */
  readonly ballots: number;
  /** Ballots a second over the last while, pauses left out; null until there is something to measure. */
  readonly ballotsPerSecond: number | null;
  /** Seconds that the entries left will take at the rate of the last while; null while unknown. */
  readonly secondsLeft: number | null;
}

/** A verification was given up on demand: no verdict. */
export class Aborted extends Error {
  constructor() {
    super('the verification was cancelled');
    this.name = 'Aborted';
  }
}

export type Change = 'pause' | 'resume' | 'abort';

/** What a page holds to pause, resume or cancel; the verifier looks at it between bundles. */
export class Control {
  #resume: (() => void) | null = null;
  #paused: Promise<void> | null = null;
  #aborted = false;
  readonly #followers = new Set<(change: Change) => void>();

  get paused(): boolean {
    return this.#paused !== null;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  pause(): void {
    if (this.#paused !== null || this.#aborted) return;
    this.#paused = new Promise((resolve) => {
      this.#resume = resolve;
    });
    this.#tell('pause');
  }

  resume(): void {
    if (this.#paused === null) return;
    this.#resume?.();
    this.#resume = null;
    this.#paused = null;
    this.#tell('resume');
  }

  abort(): void {
    this.#aborted = true;
    this.#tell('abort');
    this.resume();
  }

  /** Tells `follower` of every change, beginning with the present state; the answer ends that. */
  follow(follower: (change: Change) => void): () => void {
    this.#followers.add(follower);
    if (this.#aborted) follower('abort');
    else if (this.paused) follower('pause');
    return () => this.#followers.delete(follower);
  }

  #tell(change: Change): void {
    for (const follower of this.#followers) follower(change);
  }

  /** Waits as long as it is paused. Throws Aborted. */
  async proceed(): Promise<void> {
    while (this.#paused !== null) await this.#paused;
    if (this.#aborted) throw new Aborted();
  }
}

/** Rates over a sliding window of about ten seconds, so that "time left" follows what the machine does now. */
export class Pace {
  readonly #marks: { time: number; done: number; ballots: number }[] = [];
  #idle = 0;

  constructor(readonly now: () => number = () => performance.now()) {}

  /** Runs what must not count as working time, such as a pause. */
  async idle(wait: () => Promise<void>): Promise<void> {
    const begin = this.now();
    await wait();
    this.#idle += this.now() - begin;
  }

  report(phase: Phase, done: number, of: number, ballots: number): Progress {
    const mark = { time: this.now() - this.#idle, done, ballots };
    this.#marks.push(mark);
    while (this.#marks.length > 2 && mark.time - (this.#marks[1]?.time ?? mark.time) > 10_000) this.#marks.shift();
    const first = this.#marks[0] ?? mark;
    const seconds = (mark.time - first.time) / 1000;
    const entries = done - first.done;
    const known = seconds > 0.2 && entries > 0;
    return {
      phase,
      done,
      of,
      ballots,
      ballotsPerSecond: known ? (ballots - first.ballots) / seconds : null,
      secondsLeft: known ? ((of - done) * seconds) / entries : null,
    };
  }
}
