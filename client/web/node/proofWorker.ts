// A proof worker on Node's worker_threads.
import { parentPort } from 'node:worker_threads';
import { serveTasks } from '../src/verifier/pool.ts';

const parent = parentPort;
if (parent === null) throw new Error('this file is a worker');
serveTasks({
  post: (message, transfer) => parent.postMessage(message, transfer),
  listen: (onMessage) => void parent.on('message', onMessage),
  close: () => parent.close(),
});
