// The one place where the verifier makes a Worker. The single-file build gives another factory (a Blob with the code in
// it), and a page under Trusted Types gives its policy's function for script URLs.
import workerUrl from './verifier.worker.ts?worker&url';

type ScriptUrl = (url: string) => string;

let scriptUrl: ScriptUrl = (url) => url;
let factory: () => Worker = () => new Worker(scriptUrl(workerUrl), { type: 'module', name: 'retally-verifier' });

/** For pages under Trusted Types: `url => policy.createScriptURL(url)`. */
export function setScriptUrl(trusted: ScriptUrl): void {
  scriptUrl = trusted;
}

/** For builds whose workers are not files: how a verifier worker is made. */
export function setWorkerFactory(make: () => Worker): void {
  factory = make;
}

/** A worker that runs `verifier.worker.ts`. Throws where the browser refuses to make one. */
export function createWorker(): Worker {
  return factory();
}
