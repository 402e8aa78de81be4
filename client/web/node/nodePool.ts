// The verifier's worker pool on Node's worker_threads: each worker runs `proofWorker.js`, built beside this file.
import { Worker } from 'node:worker_threads';
import { WorkerPool } from '../src/verifier/pool.ts';
import type { Port } from '../src/verifier/ports.ts';

export function nodePool(count: number): WorkerPool {
  return new WorkerPool(
    Array.from({ length: count }, () => portTo(new Worker(new URL('./proofWorker.js', import.meta.url)))),
  );
}

function portTo(worker: Worker): Port {
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen: (onMessage, onError) => {
      worker.on('message', onMessage);
      worker.on('error', onError);
      worker.on('exit', (code) => onError(new Error(`a worker ended with code ${code}`)));
    },
    close: () => void worker.terminate(),
  };
}
