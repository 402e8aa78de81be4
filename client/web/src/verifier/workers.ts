// The one place where the verifier makes a Worker. The build gives its address: a file of its own, or, in the single-file
// build, a Blob; the page's Trusted Types policy lets it through.
import { startWorker } from '../app/trusted.ts';
import address from './verifier.worker.ts?worker&url';

/** A worker that runs `verifier.worker.ts`. Throws where the browser refuses to make one. */
export function createWorker(): Worker {
  return startWorker(address, 'retally-verifier');
}
