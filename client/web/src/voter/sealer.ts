// Starts the worker for one ballot, or does its work in the page's own thread where the browser makes none.
import type { BallotRequest, OnProgress } from '../core/ballot.ts';
import { startWorker } from '../app/trusted.ts';
import address from './encrypt.worker.ts?worker&url';
import { localPort, seal, type Port, type Sealed } from './sealing.ts';

const PATIENCE = 10_000;

/** Encrypts a ballot. The manifest's titles are not needed there and are not sent. */
export async function sealInWorker(request: BallotRequest, onProgress?: OnProgress): Promise<Sealed> {
  const { contests, styles } = request.manifest;
  const slim = {
    contests: contests.map(({ id, options, limit, score, min, max }) => ({
      id,
      options: options.map(() => null),
      limit,
      score,
      min,
      max,
    })),
    styles: styles.map((style) => ({ id: style.id, contests: [...style.contests] })),
  };
  const choices = request.choices.map((choice) => [...choice]);
  return seal((await workerPort()) ?? localPort(), { ...request, manifest: slim, choices }, onProgress);
}

async function workerPort(): Promise<Port | null> {
  let worker: Worker;
  try {
    worker = startWorker(address, 'retally-encrypt');
  } catch {
    return null;
  }
  const runs = await new Promise<boolean>((resolve) => {
    setTimeout(resolve, PATIENCE, false);
    worker.onmessage = () => resolve(true);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve(false);
    };
  });
  if (!runs) {
    worker.terminate();
    return null;
  }
  return {
    post: (message) => worker.postMessage(message),
    listen: (onMessage, onError) => {
      worker.onmessage = (event: MessageEvent<unknown>) => onMessage(event.data);
      worker.onerror = (event) => onError(new Error(`the encrypting worker stopped: ${event.message}`));
    },
    close: () => worker.terminate(),
  };
}
