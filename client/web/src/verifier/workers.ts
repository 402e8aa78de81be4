// The one place where the verifier makes a Worker: through the page's policy for script addresses, from a file beside
// the page or, in the single-file build, from a Blob that the page carries.
import { startWorker } from '../app/trusted.ts';
import workerUrl from './verifier.worker.ts?worker&url';

/** A worker that runs `verifier.worker.ts`. Throws where the browser refuses to make one. */
export function createWorker(): Worker {
  return startWorker(workerUrl, 'retally-verifier');
}
