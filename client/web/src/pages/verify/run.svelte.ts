// One verification from the form's question to a report: which policy, which kept checkpoints, whose code rules on proofs,
// V21, and what to remember.

import { reasonOf } from '../../core/errors.ts';
import { ENGINE } from 'virtual:retally-engine';
import { runAccelerated } from '../../accelerator/runAccelerated.ts';
import { fromUtf8, toHex, utf8 } from '../../core/bytes.ts';
import { FilesBoard, HttpBoard, type BoardSource } from '../../board/source.ts';
import type { TrustPolicy } from '../../board/policy.ts';
import { Control, type Progress } from '../../verifier/control.ts';
import { withV21, type Report } from '../../verifier/report.ts';
import { runInWorkers } from '../../verifier/runInWorkers.ts';
import { checkWebBundle, type BundleFinding } from '../../webBundle.ts';
import { policyOf } from './inputs.ts';
import { keepCheckpoint, keptCheckpoints, rememberVerdict } from './memory.ts';
import type { Question } from './question.ts';

export type Running =
  | { readonly status: 'running'; readonly progress: Progress | null; readonly bundle: boolean }
  | { readonly status: 'done'; readonly report: Report; readonly speed: Speed }
  | { readonly status: 'cancelled' }
  | { readonly status: 'not run'; readonly reason: string };

/** Whether the native engine's code ruled on proofs; `fault`: it was wanted, and why it does not. */
export interface Acceleration {
  readonly used: boolean;
  readonly fault: string | null;
}

/** How fast a verification was, pauses left out. */
export interface Speed {
  readonly seconds: number;
  /** Threads that verified ballots' proofs. */
  readonly cores: number;
  /** Ballots a minute and core; null where there were too few to say. */
  readonly rate: number | null;
}

const FEWEST_TO_MEASURE = 20;

export class Verification {
  current = $state.raw<Running>({ status: 'running', progress: null, bundle: false });
  paused = $state(false);
  cores = $state(1);
  /** Whose code rules on proofs: the independent TypeScript verifier's unless the reader wanted the native engine's. */
  acceleration = $state.raw<Acceleration>({ used: false, fault: null });
  readonly #control = new Control();
  #idle = 0;
  #pausedAt = 0;

  constructor(readonly question: Question) {
    this.acceleration = { used: question.accelerate, fault: null };
    void this.#run();
  }

  pause(): void {
    this.#control.pause();
    this.#pausedAt = performance.now();
    this.paused = true;
  }

  resume(): void {
    if (this.paused) this.#idle += performance.now() - this.#pausedAt;
    this.#control.resume();
    this.paused = false;
  }

  cancel(): void {
    this.#control.abort();
    this.current = { status: 'cancelled' };
  }

  async #run(): Promise<void> {
    const begun = performance.now();
    try {
      const { board, election, remember } = this.question;
      const source = typeof board === 'string' ? new HttpBoard(board) : new FilesBoard(board.files, board.name);
      const policy = this.question.policy ?? (await policyOf(source, election));
      const report = await this.#verify(source, policy);
      const seconds = (performance.now() - begun - this.#idle) / 1000;
      this.#show({ status: 'running', progress: null, bundle: true });
      const found = await bundleFinding(report, typeof board === 'string');
      const whole = found === null ? report : withV21(report, found);
      if (this.#control.aborted) return;
      if (remember) rememberReport(whole, this.acceleration.used);
      const rate = report.ballots < FEWEST_TO_MEASURE ? null : (60 * report.ballots) / seconds / this.cores;
      this.#show({ status: 'done', report: whole, speed: { seconds, cores: this.cores, rate } });
    } catch (error) {
      const reason = reasonOf(error);
      this.#show({ status: 'not run', reason });
    }
  }

  async #verify(source: BoardSource, policy: TrustPolicy): Promise<Report> {
    const remembered = this.question.remember ? keptCheckpoints(policy.origin).map((text) => utf8(text)) : [];
    const options = {
      kept: [...this.question.kept, ...remembered],
      receipts: this.question.receipts,
      control: this.#control,
      onProgress: (progress: Progress) => this.#show({ status: 'running', progress, bundle: false }),
      onWorkers: (count: number) => (this.cores = Math.max(1, count)),
      onFault: (fault: string) => (this.acceleration = { used: false, fault }),
    };
    if (!this.question.accelerate) return runInWorkers(source, policy, options);
    if (ENGINE !== null) return (await runAccelerated(source, policy, ENGINE, options)).report;
    options.onFault('this page was built without it');
    return runInWorkers(source, policy, options);
  }

  /** What was cancelled stays cancelled, whatever arrives afterwards. */
  #show(next: Running): void {
    if (this.current.status !== 'cancelled') this.current = next;
  }
}

/** V21, for a board that was read from a server; null, and not applicable, for one from a folder (10.3). */
async function bundleFinding(report: Report, served: boolean): Promise<BundleFinding | null> {
  if (!served) return null;
  if (report.manifest === null || report.states.V03 === 'fail') {
    return { state: 'not applicable', notes: ['there is no manifest that can be trusted'] };
  }
  const { origins, bundle } = report.manifest.client;
  return checkWebBundle(origins, bundle === null ? null : toHex(bundle));
}

function rememberReport(report: Report, accelerated: boolean): void {
  const { checkpoint, size, root } = report;
  if (!report.accepted || checkpoint === null || size === null || root === null) return;
  // A checkpoint that contradicts the kept ones is evidence, not something to compare with (9.3).
  if (report.states.V02 === 'pass') keepCheckpoint(report.origin, fromUtf8(checkpoint));
  // What is remembered as this browser's verdict is the independent verifier's.
  if (accelerated) return;
  const time = Math.floor(Date.now() / 1000);
  const { verdict, witnesses, electionId: election } = report;
  rememberVerdict({ verdict, witnesses, election, size, root, time });
}
