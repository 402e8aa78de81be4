// A verification with the native engine's code in the proof workers; and the TypeScript verifier's instead, from the
// beginning, if anything about the engine is not as it should be. Whatever the engine had accepted until then is forgotten.
import { reasonOf } from '../core/errors.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { TooLong, Unreachable, type BoardSource } from '../board/source.ts';
import type { Bytes } from '../core/bytes.ts';
import { startWorker } from '../app/trusted.ts';
import { Aborted } from '../verifier/control.ts';
import type { Report } from '../verifier/report.ts';
import { runInWorkers, type InWorkers } from '../verifier/runInWorkers.ts';
import type { Equipped, Start } from './messages.ts';
import { EngineFault } from './nativeEngine.ts';

/** What a build with the engine in it says of it. */
export interface OfferedEngine {
  readonly address: string;
  /** SHA-256 of the file in hex, and the same as an integrity attribute has it. */
  readonly digest: string;
  readonly integrity: string;
  /** The script of a worker that can run it. */
  readonly worker: string;
}

export interface Accelerated {
  readonly report: Report;
  /** Why the engine was not used after all, so that the report is the TypeScript verifier's alone; null if it was. */
  readonly fault: string | null;
}

export interface Options extends Omit<InWorkers, 'startProver'> {
  /** Told at once why the engine is not used. */
  readonly onFault?: (reason: string) => void;
}

/** As `runInWorkers`, with the engine if it can be had. */
export async function runAccelerated(
  source: BoardSource,
  policy: TrustPolicy,
  engine: OfferedEngine,
  options: Options = {},
): Promise<Accelerated> {
  try {
    const raw = await fetchEngine(engine);
    const startProver = (workers: Worker[]) => start(engine, raw, workers);
    return { report: await runInWorkers(source, policy, { ...options, startProver }), fault: null };
  } catch (error) {
    // These say nothing against the engine, and would happen again.
    if (error instanceof Unreachable || error instanceof TooLong || error instanceof Aborted) throw error;
    const fault = reasonOf(error);
    options.onFault?.(fault);
    return { report: await runInWorkers(source, policy, options), fault };
  }
}

async function fetchEngine({ address, integrity }: OfferedEngine): Promise<Bytes> {
  try {
    const answer = await fetch(address, { integrity, credentials: 'omit', redirect: 'error' });
    if (!answer.ok) throw new EngineFault(`status ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw new EngineFault(`its file cannot be loaded: ${reasonOf(error)}`);
  }
}

/** A worker whose engine was tried out. */
async function start({ worker: address, digest }: OfferedEngine, raw: Bytes, workers: Worker[]): Promise<MessagePort> {
  const worker = startWorker(address, 'retally-accelerated');
  workers.push(worker);
  const { port1, port2 } = new MessageChannel();
  const { fault } = await new Promise<Equipped>((resolve) => {
    worker.onmessage = (event: MessageEvent<Equipped>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve({ fault: `its worker does not start: ${event.message}` });
    };
    worker.postMessage({ raw, digest, tasks: port1 } satisfies Start, [port1]);
  });
  if (fault !== null) throw new EngineFault(fault);
  return port2;
}
