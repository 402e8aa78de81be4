// The page's way to a verdict: a coordinating worker and one worker a core for the ballots' proofs. Where no worker can
// be made, the page's own thread does it in slices; the verdict is the same.
import type { TrustPolicy } from '../board/policy.ts';
import type { BoardSource } from '../board/source.ts';
import { Control } from './control.ts';
import type { Report } from './report.ts';
import { READY, attend, type Role } from './remote.ts';
import { verify, type Options } from './verify.ts';
import { createWorker } from './workers.ts';

export interface InWorkers extends Omit<Options, 'pool'> {
  /** Proof workers; one for each core by default. */
  readonly cores?: number;
  /** Told how many proof workers there are; 0 when the page's own thread does the work. */
  readonly onWorkers?: (count: number) => void;
  /** Makes a proof worker of another kind, adds it to the list, and gives the port to it. Throws where there is none. */
  readonly startProver?: (workers: Worker[]) => Promise<MessagePort>;
}

/** As `verify`, in workers. Throws Unreachable where the board could not be read, Aborted when cancelled. */
export async function runInWorkers(source: BoardSource, policy: TrustPolicy, options: InWorkers = {}): Promise<Report> {
  const cores = Math.max(1, options.cores ?? navigator.hardwareConcurrency);
  const workers: Worker[] = [];
  try {
    const coordinator = await start(workers);
    if (coordinator === null) {
      if (options.startProver !== undefined) throw new Error('the browser makes no workers');
      options.onWorkers?.(0);
      return await verify(source, policy, options);
    }
    const startProver = options.startProver ?? startOwn;
    const started = await Promise.all(Array.from({ length: cores }, () => startProver(workers)));
    const channels = started.filter((port) => port !== null);
    options.onWorkers?.(channels.length);
    const died = new Promise<never>((_, reject) => {
      for (const worker of workers) {
        worker.onerror = (event) => reject(new Error(`a worker of the verifier stopped: ${event.message}`));
      }
    });
    const { port1, port2 } = new MessageChannel();
    const control = options.control ?? new Control();
    const report = attend(port1, source, control, options.onProgress ?? (() => undefined));
    const role: Role = {
      role: 'coordinate',
      page: port2,
      provers: channels,
      location: source.location,
      policy,
      kept: options.kept ?? [],
      receipts: options.receipts ?? [],
    };
    coordinator.postMessage(role, [port2, ...channels]);
    return await Promise.race([report, died]);
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

/** The port to a new proof worker; null where there is none. */
async function startOwn(workers: Worker[]): Promise<MessagePort | null> {
  const worker = await start(workers);
  if (worker === null) return null;
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ role: 'prove', tasks: port1 } satisfies Role, [port1]);
  return port2;
}

/** A worker that has said it runs; null where the browser makes none or its script does not load. */
async function start(workers: Worker[]): Promise<Worker | null> {
  try {
    const worker = createWorker();
    workers.push(worker);
    const ready = await new Promise<boolean>((resolve) => {
      worker.onmessage = (event: MessageEvent<unknown>) => resolve(event.data === READY);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(false);
      };
    });
    return ready ? worker : null;
  } catch {
    return null;
  }
}
